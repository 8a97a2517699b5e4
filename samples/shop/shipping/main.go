// Command shipping sends off what was ordered.
package main

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/XSAM/otelsql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kotel"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"

	"shop/shipping/internal/config"
	"shop/shipping/internal/customers"
	"shop/shipping/internal/dispatch"
	"shop/shipping/internal/orders"
)

//go:embed migrations/001_shipments.sql
var schema string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	cfg, err := config.FromEnv()
	if err == nil {
		err = run(ctx, cfg)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, cfg config.Config) error {
	flush, err := startTracing(ctx)
	if err != nil {
		return err
	}
	defer flush(context.WithoutCancel(ctx))

	db, err := openDB(cfg.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return err
	}

	tracer := kotel.NewTracer()
	kafka, err := kgo.NewClient(
		kgo.SeedBrokers(cfg.Brokers...),
		kgo.ConsumerGroup("shipping"),
		kgo.ConsumeTopics(dispatch.TopicPlaced),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.WithHooks(kotel.NewKotel(kotel.WithTracer(tracer)).Hooks()...),
	)
	if err != nil {
		return err
	}
	defer kafka.Close()

	store := &dispatch.Store{DB: db}
	dispatcher := dispatch.New(store, kafka, customers.New(cfg.CustomersURL), orders.New(cfg.OrdersURL))
	go consume(ctx, kafka, tracer, dispatcher)
	go waves(ctx, cfg.WaveEvery, dispatcher)

	server := &http.Server{
		Addr:              cfg.Addr,
		Handler:           otelhttp.NewHandler(routes(store, dispatcher), "shipping"),
		ReadHeaderTimeout: 5 * time.Second,
	}
	go func() {
		<-ctx.Done()
		server.Shutdown(context.WithoutCancel(ctx))
	}()
	log.Printf("shipping listens on %s", cfg.Addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func openDB(url string) (*sql.DB, error) {
	attributes := append(otelsql.AttributesFromDSN(url), semconv.DBSystemNamePostgreSQL)
	return otelsql.Open("pgx", url,
		otelsql.WithAttributes(attributes...),
		otelsql.WithSpanOptions(otelsql.SpanOptions{OmitConnResetSession: true, OmitRows: true, OmitConnectorConnect: true}))
}

func consume(ctx context.Context, kafka *kgo.Client, tracer *kotel.Tracer, d *dispatch.Dispatcher) {
	for ctx.Err() == nil {
		fetches := kafka.PollFetches(ctx)
		fetches.EachRecord(func(record *kgo.Record) {
			recordCtx, span := tracer.WithProcessSpan(record)
			defer span.End()
			if err := d.Placed(recordCtx, record); err != nil {
				log.Print(err)
			}
		})
	}
}

func waves(ctx context.Context, every time.Duration, d *dispatch.Dispatcher) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if _, err := d.Wave(ctx); err != nil {
				log.Print(err)
			}
		}
	}
}

func routes(store *dispatch.Store, d *dispatch.Dispatcher) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok")) })
	mux.HandleFunc("GET /shipments/{orderID}", func(w http.ResponseWriter, r *http.Request) {
		shipment, err := store.Get(r.Context(), r.PathValue("orderID"))
		reply(w, shipment, err)
	})
	// A shipment without an order: replacements and samples.
	mux.HandleFunc("POST /shipments", func(w http.ResponseWriter, r *http.Request) {
		var shipment dispatch.Shipment
		if err := json.NewDecoder(r.Body).Decode(&shipment); err != nil {
			http.Error(w, "not a shipment", http.StatusBadRequest)
			return
		}
		reply(w, shipment, store.Add(r.Context(), shipment.OrderID, shipment.CustomerID))
	})
	mux.HandleFunc("POST /waves", func(w http.ResponseWriter, r *http.Request) {
		n, err := d.Wave(r.Context())
		reply(w, map[string]int{"dispatched": n}, err)
	})
	return mux
}

func reply(w http.ResponseWriter, value any, err error) {
	switch {
	case errors.Is(err, sql.ErrNoRows):
		http.Error(w, "no such shipment", http.StatusNotFound)
	case err != nil:
		log.Print(err)
		http.Error(w, "internal error", http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(value)
	}
}
