package main

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

//go:embed migrations/*.sql
var migrations embed.FS

var errNotFound = errors.New("no such customer")

type Customer struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Email       string `json:"email"`
	Phone       string `json:"phone"`
	DateOfBirth string `json:"date_of_birth"`
	Tier        string `json:"tier"`
	Status      string `json:"status"`
}

type Address struct {
	Kind       string `json:"kind"`
	Street     string `json:"street"`
	PostalCode string `json:"postal_code"`
	City       string `json:"city"`
	Country    string `json:"country"`
}

type Preferences struct {
	Language   string `json:"language"`
	EmailOptIn bool   `json:"email_opt_in"`
}

const columns = "id, name, email, phone, date_of_birth::text, tier, status"

// Store keeps customers in PostgreSQL.
type Store struct{ db *sql.DB }

func (s *Store) Migrate(ctx context.Context) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	for _, name := range names {
		script, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		if _, err := s.db.ExecContext(ctx, string(script)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func scanCustomer(row interface{ Scan(...any) error }) (Customer, error) {
	var c Customer
	err := row.Scan(&c.ID, &c.Name, &c.Email, &c.Phone, &c.DateOfBirth, &c.Tier, &c.Status)
	if errors.Is(err, sql.ErrNoRows) {
		return c, errNotFound
	}
	return c, err
}

func (s *Store) List(ctx context.Context) ([]Customer, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT "+columns+" FROM customers ORDER BY id LIMIT 100")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := []Customer{}
	for rows.Next() {
		c, err := scanCustomer(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, c)
	}
	return found, rows.Err()
}

func (s *Store) Get(ctx context.Context, id string) (Customer, error) {
	return scanCustomer(s.db.QueryRowContext(ctx, "SELECT "+columns+" FROM customers WHERE id = $1", id))
}

func (s *Store) Create(ctx context.Context, c Customer) error {
	_, err := s.db.ExecContext(ctx,
		`INSERT INTO customers (id, name, email, phone, date_of_birth, tier, status)
		 VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		c.ID, c.Name, c.Email, c.Phone, c.DateOfBirth, c.Tier, c.Status)
	return err
}

func (s *Store) Update(ctx context.Context, c Customer) error {
	result, err := s.db.ExecContext(ctx,
		"UPDATE customers SET name = $2, email = $3, phone = $4, tier = $5, status = $6 WHERE id = $1",
		c.ID, c.Name, c.Email, c.Phone, c.Tier, c.Status)
	return oneRow(result, err)
}

func (s *Store) Delete(ctx context.Context, id string) error {
	result, err := s.db.ExecContext(ctx, "DELETE FROM customers WHERE id = $1", id)
	return oneRow(result, err)
}

func (s *Store) Addresses(ctx context.Context, id string) ([]Address, error) {
	rows, err := s.db.QueryContext(ctx,
		"SELECT kind, street, postal_code, city, country FROM addresses WHERE customer_id = $1 ORDER BY kind", id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := []Address{}
	for rows.Next() {
		var a Address
		if err := rows.Scan(&a.Kind, &a.Street, &a.PostalCode, &a.City, &a.Country); err != nil {
			return nil, err
		}
		found = append(found, a)
	}
	return found, rows.Err()
}

func (s *Store) Preferences(ctx context.Context, id string) (Preferences, error) {
	var p Preferences
	err := s.db.QueryRowContext(ctx,
		"SELECT language, email_opt_in FROM preferences WHERE customer_id = $1", id).
		Scan(&p.Language, &p.EmailOptIn)
	if errors.Is(err, sql.ErrNoRows) {
		return p, errNotFound
	}
	return p, err
}

func oneRow(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(errNotFound, err)
	}
	return nil
}
