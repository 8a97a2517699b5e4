package shop.orders.clients;

import org.springframework.cloud.openfeign.FeignClient;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;

import java.util.UUID;

@FeignClient(name = "payments", url = "${shop.payments.url}")
public interface PaymentsClient {

    @PostMapping("/payments")
    Payment charge(@RequestBody Charge charge);

    record Charge(UUID orderId, String method) {
    }

    record Payment(String id, String status) {
    }
}
