package shop.orders.clients;

import org.springframework.boot.context.properties.ConfigurationProperties;

@ConfigurationProperties("shop.endpoints")
public record Endpoints(String catalog, String inventory) {
}
