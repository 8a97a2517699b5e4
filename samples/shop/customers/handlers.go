package main

import (
	"encoding/json"
	"errors"
	"log"
	"net/http"
)

type api struct{ store *Store }

func (a *api) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok")) })
	mux.HandleFunc("GET /customers", a.listCustomers)
	mux.HandleFunc("POST /customers", a.createCustomer)
	mux.HandleFunc("GET /customers/{id}", a.getCustomer)
	mux.HandleFunc("PUT /customers/{id}", a.updateCustomer)
	mux.HandleFunc("DELETE /customers/{id}", a.deleteCustomer)
	mux.HandleFunc("GET /customers/{id}/addresses", a.listAddresses)
	mux.HandleFunc("GET /customers/{id}/preferences", a.getPreferences)
	return mux
}

func (a *api) listCustomers(w http.ResponseWriter, r *http.Request) {
	found, err := a.store.List(r.Context())
	answer(w, http.StatusOK, found, err)
}

func (a *api) getCustomer(w http.ResponseWriter, r *http.Request) {
	c, err := a.store.Get(r.Context(), r.PathValue("id"))
	answer(w, http.StatusOK, c, err)
}

func (a *api) createCustomer(w http.ResponseWriter, r *http.Request) {
	c, ok := body(w, r)
	if !ok {
		return
	}
	answer(w, http.StatusCreated, c, a.store.Create(r.Context(), c))
}

func (a *api) updateCustomer(w http.ResponseWriter, r *http.Request) {
	c, ok := body(w, r)
	if !ok {
		return
	}
	c.ID = r.PathValue("id")
	answer(w, http.StatusOK, c, a.store.Update(r.Context(), c))
}

func (a *api) deleteCustomer(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusNoContent, nil, a.store.Delete(r.Context(), r.PathValue("id")))
}

func (a *api) listAddresses(w http.ResponseWriter, r *http.Request) {
	found, err := a.store.Addresses(r.Context(), r.PathValue("id"))
	answer(w, http.StatusOK, found, err)
}

func (a *api) getPreferences(w http.ResponseWriter, r *http.Request) {
	p, err := a.store.Preferences(r.Context(), r.PathValue("id"))
	answer(w, http.StatusOK, p, err)
}

func body(w http.ResponseWriter, r *http.Request) (Customer, bool) {
	c := Customer{Tier: "standard", Status: "active"}
	if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
		http.Error(w, "not a customer", http.StatusBadRequest)
		return c, false
	}
	return c, true
}

func answer(w http.ResponseWriter, status int, value any, err error) {
	switch {
	case errors.Is(err, errNotFound):
		http.Error(w, err.Error(), http.StatusNotFound)
	case err != nil:
		log.Print(err)
		http.Error(w, "internal error", http.StatusInternalServerError)
	case value == nil:
		w.WriteHeader(status)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(value)
	}
}
