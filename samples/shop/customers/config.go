package main

import "os"

// Config holds what differs between environments.
type Config struct {
	Addr        string
	DatabaseURL string
}

func configFromEnv() Config {
	return Config{
		Addr:        envOr("ADDR", ":8080"),
		DatabaseURL: envOr("DATABASE_URL", "postgres://customers@customers-db:5432/customers?sslmode=disable"),
	}
}

func envOr(key, fallback string) string {
	if value := os.Getenv(key); value != "" {
		return value
	}
	return fallback
}
