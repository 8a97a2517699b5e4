// Package config reads the environment once, at the start.
package config

import (
	"os"
	"strings"
	"time"
)

// Config is handed to the constructors in main.
type Config struct {
	Addr         string
	DatabaseURL  string
	Brokers      []string
	CustomersURL string
	OrdersURL    string
	WaveEvery    time.Duration
}

// FromEnv reads the configuration.
func FromEnv() (Config, error) {
	every, err := time.ParseDuration(env("WAVE_EVERY", "30s"))
	return Config{
		Addr:         env("ADDR", ":8080"),
		DatabaseURL:  env("DATABASE_URL", "postgres://shipping@shipping-db:5432/shipping?sslmode=disable"),
		Brokers:      strings.Split(env("KAFKA_BROKERS", "kafka:9092"), ","),
		CustomersURL: env("CUSTOMERS_URL", "http://customers:8080"),
		OrdersURL:    env("ORDERS_URL", "http://orders:8080"),
		WaveEvery:    every,
	}, err
}

func env(key, fallback string) string {
	if value, ok := os.LookupEnv(key); ok {
		return value
	}
	return fallback
}
