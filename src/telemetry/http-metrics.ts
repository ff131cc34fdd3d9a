// Requests by route, method and class of status. A route is the path a resource is registered under, never the path of a
// request, so that the number of series is bounded by the application, not by its visitors.

import { HistogramCell, NumberCell } from './cells.ts';
import type { MeterRegistry } from './meter-registry.ts';
import type { FamilySnapshot, HistogramSeries, NumberSeries } from './snapshot.ts';

/** Routes measured apart in a thread; the rest count as the route `other`. */
export const maxRoutes = 500;

/** In seconds: from 100 microseconds to 10 seconds. */
export const latencyBounds: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY', 'other'] as const;
const otherMethod = methods.length - 1;
/** '1xx' to '5xx'. */
const statusClasses = 5;

export class HttpMetrics {
  readonly #routes = new Map<string, RouteMetrics>();
  readonly #inFlight = new NumberCell();
  readonly #received = new NumberCell();
  readonly #sent = new NumberCell();

  constructor(registry: MeterRegistry) {
    registry.sample(
      'gauge',
      'zerohop_http_requests_in_flight',
      'Requests that were begun and not yet answered',
      () => this.#inFlight.value,
    );
    registry.sample(
      'counter',
      'zerohop_http_received_bytes_total',
      'Bytes of request bodies',
      () => this.#received.value,
    );
    registry.sample('counter', 'zerohop_http_sent_bytes_total', 'Bytes of response bodies', () => this.#sent.value);
    registry.collect(() => this.#collect());
  }

  /** The meter of a route: ask once, when the route is made, and keep it. */
  route(path: string): RouteMetrics {
    const name = this.#routes.has(path) || this.#routes.size < maxRoutes ? path : 'other';
    let route = this.#routes.get(name);
    if (route === undefined) {
      route = new RouteMetrics(name);
      this.#routes.set(name, route);
    }
    return route;
  }

  /** A request was begun. Each needs one `ended`. */
  begun(): void {
    this.#inFlight.add(1);
  }

  ended(): void {
    this.#inFlight.add(-1);
  }

  received(bytes: number): void {
    this.#received.add(bytes);
  }

  sent(bytes: number): void {
    this.#sent.add(bytes);
  }

  #collect(): FamilySnapshot[] {
    const measured = [...this.#routes.values()].flatMap((route) => route.measured());
    if (measured.length === 0) return [];
    return [
      {
        kind: 'counter',
        name: 'zerohop_http_requests_total',
        help: 'Requests answered',
        series: measured.map(({ requests }) => requests),
      },
      {
        kind: 'histogram',
        name: 'zerohop_http_request_seconds',
        help: 'Time from a request to its response',
        bounds: latencyBounds,
        series: measured.map(({ latency }) => latency),
      },
    ];
  }
}

export class RouteMetrics {
  static readonly #bounds = new Float64Array(latencyBounds);
  readonly path: string;
  /** One cell per method and class of status, made when first needed. */
  readonly #cells: (HistogramCell | undefined)[] = new Array(methods.length * statusClasses);

  constructor(path: string) {
    this.path = path;
  }

  /** A request of this route was answered. */
  answered(method: string, status: number, seconds: number): void {
    const statusClass = status >= 100 && status < 600 ? Math.trunc(status / 100) : statusClasses;
    const index = methodIndex(method) * statusClasses + statusClass - 1;
    let cell = this.#cells[index];
    if (cell === undefined) {
      cell = new HistogramCell(RouteMetrics.#bounds);
      this.#cells[index] = cell;
    }
    cell.observe(seconds);
  }

  measured(): { requests: NumberSeries; latency: HistogramSeries }[] {
    return this.#cells.flatMap((cell, index) => {
      if (cell === undefined) return [];
      const method = methods[Math.trunc(index / statusClasses)] ?? 'other';
      const labels = { route: this.path, method, status: `${(index % statusClasses) + 1}xx` };
      return [{ requests: { labels, value: cell.total }, latency: cell.series(labels) }];
    });
  }
}

function methodIndex(method: string): number {
  switch (method) {
    case 'GET':
      return 0;
    case 'HEAD':
      return 1;
    case 'POST':
      return 2;
    case 'PUT':
      return 3;
    case 'PATCH':
      return 4;
    case 'DELETE':
      return 5;
    case 'OPTIONS':
      return 6;
    case 'QUERY':
      return 7;
    default:
      return otherMethod;
  }
}
