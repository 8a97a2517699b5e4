package shop.orders;

import com.fasterxml.jackson.core.JsonProcessingException;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Service;
import org.springframework.web.server.ResponseStatusException;
import shop.orders.clients.CatalogClient;
import shop.orders.clients.CatalogClient.Line;
import shop.orders.clients.CustomersClient;
import shop.orders.clients.InventoryClient;
import shop.orders.clients.PaymentsClient;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

@Service
public class OrderService {

    private final OrderStore store;
    private final CustomersClient customers;
    private final CatalogClient catalog;
    private final InventoryClient inventory;
    private final PaymentsClient payments;

    public OrderService(OrderStore store, CustomersClient customers, CatalogClient catalog,
                        InventoryClient inventory, PaymentsClient payments) {
        this.store = store;
        this.customers = customers;
        this.catalog = catalog;
        this.inventory = inventory;
        this.payments = payments;
    }

    public Order create(String customerId, List<Line> lines) throws JsonProcessingException {
        var customer = customers.find(customerId);
        if (customer.blocked()) {
            throw new ResponseStatusException(HttpStatus.CONFLICT, "customer is blocked");
        }
        var offers = catalog.offers(customer.tier(), lines);
        requireStock(lines);

        var order = store.save(new Order(customerId, customer.email(), offers.stream()
                .map(o -> new Order.Line(o.sku(), o.quantity(), o.unitPriceCents()))
                .collect(Collectors.toList())));
        var reserved = inventory.reserve(order.getId(), lines);
        if (reserved.lines().size() < lines.size()) {
            throw new ResponseStatusException(HttpStatus.CONFLICT, "not all lines could be reserved");
        }
        var payment = payments.charge(new PaymentsClient.Charge(order.getId(), "card"));
        if (!"CAPTURED".equals(payment.status())) {
            order.become(Order.Status.CANCELLED);
            return store.save(order);
        }
        return store.place(order);
    }

    private void requireStock(List<Line> lines) {
        Map<String, Integer> available = inventory.stock(lines.stream().map(Line::sku).toList()).stream()
                .collect(Collectors.toMap(InventoryClient.Stock::sku, InventoryClient.Stock::available));
        for (Line line : lines) {
            if (available.getOrDefault(line.sku(), 0) < line.quantity()) {
                throw new ResponseStatusException(HttpStatus.CONFLICT, "out of stock: " + line.sku());
            }
        }
    }
}
