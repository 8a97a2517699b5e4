package shop.orders.clients;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.springframework.core.ParameterizedTypeReference;
import org.springframework.http.HttpEntity;
import org.springframework.http.HttpMethod;
import org.springframework.stereotype.Component;
import org.springframework.web.client.RestTemplate;

import java.util.List;

@Component
public class CatalogClient {

    private static final ParameterizedTypeReference<List<Offer>> OFFERS = new ParameterizedTypeReference<>() {
    };

    private final RestTemplate http;
    private final Endpoints endpoints;

    public CatalogClient(RestTemplate http, Endpoints endpoints) {
        this.http = http;
        this.endpoints = endpoints;
    }

    public List<Offer> offers(String tier, List<Line> lines) {
        var request = new HttpEntity<>(new OfferRequest(tier, lines));
        return http.exchange(endpoints.catalog() + "/products/offers", HttpMethod.POST, request, OFFERS).getBody();
    }

    public record Line(String sku, int quantity) {
    }

    public record OfferRequest(@JsonProperty("customer_tier") String customerTier, List<Line> lines) {
    }

    public record Offer(String sku, int quantity, @JsonProperty("unit_price_cents") long unitPriceCents) {
    }
}
