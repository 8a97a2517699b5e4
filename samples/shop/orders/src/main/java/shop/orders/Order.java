package shop.orders;

import jakarta.persistence.CollectionTable;
import jakarta.persistence.ElementCollection;
import jakarta.persistence.Embeddable;
import jakarta.persistence.Entity;
import jakarta.persistence.EnumType;
import jakarta.persistence.Enumerated;
import jakarta.persistence.FetchType;
import jakarta.persistence.Id;
import jakarta.persistence.JoinColumn;
import jakarta.persistence.Table;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

@Entity
@Table(name = "orders")
public class Order {

    public enum Status { PENDING, PLACED, CANCELLED }

    @Embeddable
    public record Line(String sku, int quantity, long unitPriceCents) {
    }

    @Id
    private UUID id;
    private String customerId;
    private String customerEmail;
    @Enumerated(EnumType.STRING)
    private Status status;
    private long totalCents;
    private Instant createdAt;
    @ElementCollection(fetch = FetchType.EAGER)
    @CollectionTable(name = "order_lines", joinColumns = @JoinColumn(name = "order_id"))
    private List<Line> lines;

    protected Order() {
    }

    public Order(String customerId, String customerEmail, List<Line> lines) {
        this.id = UUID.randomUUID();
        this.customerId = customerId;
        this.customerEmail = customerEmail;
        this.status = Status.PENDING;
        this.lines = lines;
        this.totalCents = lines.stream().mapToLong(l -> l.quantity() * l.unitPriceCents()).sum();
        this.createdAt = Instant.now();
    }

    public void become(Status next) {
        this.status = next;
    }

    public UUID getId() {
        return id;
    }

    public String getCustomerId() {
        return customerId;
    }

    public String getCustomerEmail() {
        return customerEmail;
    }

    public Status getStatus() {
        return status;
    }

    public long getTotalCents() {
        return totalCents;
    }

    public List<Line> getLines() {
        return lines;
    }
}
