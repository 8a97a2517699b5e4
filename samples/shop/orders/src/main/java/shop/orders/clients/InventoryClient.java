package shop.orders.clients;

import org.springframework.stereotype.Component;
import org.springframework.web.client.RestTemplate;

import java.util.Arrays;
import java.util.List;
import java.util.UUID;

@Component
public class InventoryClient {

    private final RestTemplate http;
    private final Endpoints endpoints;

    public InventoryClient(RestTemplate http, Endpoints endpoints) {
        this.http = http;
        this.endpoints = endpoints;
    }

    public List<Stock> stock(List<String> skus) {
        String url = String.format("%s/stock?sku=%s", endpoints.inventory(), String.join(",", skus));
        return Arrays.asList(http.getForObject(url, Stock[].class));
    }

    public Reservation reserve(UUID orderId, List<CatalogClient.Line> lines) {
        var wanted = new Reservation(orderId, lines);
        return http.postForObject(endpoints.inventory() + "/reservations", wanted, Reservation.class);
    }

    public record Stock(String sku, int available) {
    }

    public record Reservation(UUID orderId, List<CatalogClient.Line> lines) {
    }
}
