// Command customers keeps the shop's customers and answers questions about them.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/XSAM/otelsql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, configFromEnv()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, cfg Config) error {
	flush, err := startTracing(ctx)
	if err != nil {
		return err
	}
	defer flush(context.WithoutCancel(ctx))

	attributes := append(otelsql.AttributesFromDSN(cfg.DatabaseURL), semconv.DBSystemNamePostgreSQL)
	db, err := otelsql.Open("pgx", cfg.DatabaseURL,
		otelsql.WithAttributes(attributes...),
		otelsql.WithSpanOptions(otelsql.SpanOptions{OmitConnResetSession: true, OmitRows: true, OmitConnectorConnect: true}))
	if err != nil {
		return err
	}
	defer db.Close()
	store := &Store{db: db}
	if err := store.Migrate(ctx); err != nil {
		return err
	}

	server := &http.Server{
		Addr:              cfg.Addr,
		Handler:           otelhttp.NewHandler((&api{store: store}).routes(), "customers"),
		ReadHeaderTimeout: 5 * time.Second,
	}
	go func() {
		<-ctx.Done()
		server.Shutdown(context.WithoutCancel(ctx))
	}()
	log.Printf("customers listens on %s", cfg.Addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
