// Package dispatch turns placed orders into shipments and sends them off in waves.
package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"shop/shipping/internal/customers"
	"shop/shipping/internal/orders"
)

const (
	TopicPlaced     = "orders.placed"
	topicDispatched = "shipping.dispatched"
	waveSize        = 50
)

type orderPlaced struct {
	OrderID    string `json:"orderId"`
	CustomerID string `json:"customerId"`
}

type dispatched struct {
	OrderID    string    `json:"order_id"`
	CustomerID string    `json:"customer_id"`
	Label      string    `json:"label"`
	At         time.Time `json:"at"`
}

// Dispatcher is the core of the service.
type Dispatcher struct {
	store     *Store
	kafka     *kgo.Client
	customers *customers.Client
	orders    *orders.Client
}

func New(store *Store, kafka *kgo.Client, c *customers.Client, o *orders.Client) *Dispatcher {
	return &Dispatcher{store: store, kafka: kafka, customers: c, orders: o}
}

// Placed handles one record of orders.placed.
func (d *Dispatcher) Placed(ctx context.Context, record *kgo.Record) error {
	var event orderPlaced
	if err := json.Unmarshal(record.Value, &event); err != nil {
		log.Printf("skipping %s/%d: %v", record.Topic, record.Offset, err)
		return nil
	}
	return d.store.Add(ctx, event.OrderID, event.CustomerID)
}

// Wave labels and dispatches all waiting shipments.
func (d *Dispatcher) Wave(ctx context.Context) (int, error) {
	waiting, err := d.store.Waiting(ctx, waveSize)
	if err != nil {
		return 0, err
	}
	for n, shipment := range waiting {
		customer, err := d.customers.Get(ctx, shipment.CustomerID)
		if err != nil {
			return n, err
		}
		addresses, err := d.customers.Addresses(ctx, shipment.CustomerID)
		if err != nil {
			return n, err
		}
		preferences, err := d.customers.Preferences(ctx, shipment.CustomerID)
		if err != nil {
			return n, err
		}
		label := label(customer, addresses, preferences)

		if err := d.store.MarkDispatched(ctx, shipment.OrderID, label); err != nil {
			return n, err
		}
		value, err := json.Marshal(dispatched{shipment.OrderID, shipment.CustomerID, label, time.Now().UTC()})
		if err != nil {
			return n, err
		}
		record := &kgo.Record{Topic: topicDispatched, Key: []byte(shipment.OrderID), Value: value}
		if err := d.kafka.ProduceSync(ctx, record).FirstErr(); err != nil {
			return n, err
		}
	}
	return len(waiting), nil
}

func label(c customers.Customer, addresses []customers.Address, p customers.Preferences) string {
	for _, a := range addresses {
		if a.Kind == "shipping" || len(addresses) == 1 {
			return fmt.Sprintf("%s, %s, %s %s, %s [%s]", c.Name, a.Street, a.PostalCode, a.City, a.Country, p.Language)
		}
	}
	return c.Name + ", address unknown"
}
