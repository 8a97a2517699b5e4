using System.Net;

namespace Shop.Inventory;

public sealed record Product(string Sku, string Name);

/// <summary>Asks the catalogue whether a product exists.</summary>
public sealed class CatalogClient
{
    private readonly HttpClient _http;

    public CatalogClient(HttpClient http) => _http = http;

    public async Task<Product?> FindAsync(string sku, CancellationToken cancel)
    {
        using var response = await _http.GetAsync($"/products/{Uri.EscapeDataString(sku)}", cancel);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<Product>(cancel);
    }
}
