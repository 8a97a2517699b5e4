// Package customers asks the customers service over HTTP.
package customers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
)

type Customer struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Phone string `json:"phone"`
}

type Address struct {
	Kind       string `json:"kind"`
	Street     string `json:"street"`
	PostalCode string `json:"postal_code"`
	City       string `json:"city"`
	Country    string `json:"country"`
}

type Preferences struct {
	Language string `json:"language"`
}

type Client struct {
	base string
	http *http.Client
}

func New(base string) *Client {
	return &Client{base: base, http: &http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport)}}
}

func (c *Client) Get(ctx context.Context, id string) (Customer, error) {
	var found Customer
	err := c.fetch(ctx, "/customers/"+url.PathEscape(id), &found)
	return found, err
}

func (c *Client) Addresses(ctx context.Context, id string) ([]Address, error) {
	var found []Address
	err := c.fetch(ctx, "/customers/"+url.PathEscape(id)+"/addresses", &found)
	return found, err
}

func (c *Client) Preferences(ctx context.Context, id string) (Preferences, error) {
	var found Preferences
	err := c.fetch(ctx, "/customers/"+url.PathEscape(id)+"/preferences", &found)
	return found, err
}

func (c *Client) fetch(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(into)
}
