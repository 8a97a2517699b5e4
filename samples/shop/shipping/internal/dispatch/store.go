package dispatch

import (
	"context"
	"database/sql"
)

// Shipment is one parcel for one order.
type Shipment struct {
	OrderID    string `json:"order_id"`
	CustomerID string `json:"customer_id"`
	Status     string `json:"status"`
	Label      string `json:"label"`
}

// Store keeps shipments in PostgreSQL.
type Store struct{ DB *sql.DB }

func (s *Store) Add(ctx context.Context, orderID, customerID string) error {
	_, err := s.DB.ExecContext(ctx,
		`INSERT INTO shipments (order_id, customer_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
		orderID, customerID)
	return err
}

func (s *Store) Waiting(ctx context.Context, limit int) ([]Shipment, error) {
	rows, err := s.DB.QueryContext(ctx,
		`SELECT order_id, customer_id, status, label FROM shipments
		 WHERE status = 'WAITING' ORDER BY created_at LIMIT $1`, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []Shipment
	for rows.Next() {
		var sh Shipment
		if err := rows.Scan(&sh.OrderID, &sh.CustomerID, &sh.Status, &sh.Label); err != nil {
			return nil, err
		}
		found = append(found, sh)
	}
	return found, rows.Err()
}

func (s *Store) Get(ctx context.Context, orderID string) (Shipment, error) {
	var sh Shipment
	err := s.DB.QueryRowContext(ctx,
		`SELECT order_id, customer_id, status, label FROM shipments WHERE order_id = $1`, orderID).
		Scan(&sh.OrderID, &sh.CustomerID, &sh.Status, &sh.Label)
	return sh, err
}

func (s *Store) MarkDispatched(ctx context.Context, orderID, label string) error {
	_, err := s.DB.ExecContext(ctx,
		`UPDATE shipments SET status = 'DISPATCHED', label = $2 WHERE order_id = $1`, orderID, label)
	return err
}
