import axios, { AxiosInstance } from "axios";
import { config } from "./config";

function client(baseURL: string): AxiosInstance {
  return axios.create({ baseURL, timeout: config.timeoutMs });
}

export const catalog = client(config.upstreams.catalog);
export const carts = client(config.upstreams.carts);
export const orders = client(config.upstreams.orders);
export const customers = client(config.upstreams.customers);
