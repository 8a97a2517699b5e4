package shop.orders.clients;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.stereotype.Component;
import org.springframework.web.client.RestTemplate;

@Component
public class CustomersClient {

    private final RestTemplate http;
    private final String baseUrl;

    public CustomersClient(RestTemplate http, @Value("${shop.customers.url}") String baseUrl) {
        this.http = http;
        this.baseUrl = baseUrl;
    }

    public Customer find(String id) {
        return http.getForObject(baseUrl + "/customers/{id}", Customer.class, id);
    }

    public record Customer(String id, String name, String email, String tier, String status) {
        public boolean blocked() {
            return "blocked".equals(status);
        }
    }
}
