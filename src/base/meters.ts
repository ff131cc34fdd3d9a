// What every floor may be handed to measure with. `telemetry` makes them; nothing below it knows how they are shown.
// Each call costs a few nanoseconds and never throws.

/** A number that only grows. */
export interface Counter {
  add(amount: number): void;
}

/** A number that goes up and down. */
export interface Gauge {
  set(value: number): void;
  add(amount: number): void;
}

/** How values are spread. Durations are in seconds, sizes in bytes. */
export interface Histogram {
  observe(value: number): void;
}
