//! Directed graphs over small integers: reachability by components and bitsets, cycles, depth.
