// What the study reports that this benchmark follows: "Harper vs. Standard Microservices: Performance Comparison Benchmark", Harper, December 2025.

export const reference = {
  title: 'Harper vs. Standard Microservices: Performance Comparison Benchmark (December 2025)',
  url: 'https://www.harper.fast/resources/harper-vs-microservices-performance',
  /** p50 of its unified application at 2,000 users with a second of thinking; the first is Home. */
  unifiedP50Ms: [0.73, 2.01, 244.69],
  said: [
    'its unified application answered every request at every number of users',
    'its microservices failed every request of PLP and PDP from 200 users on, by timeouts and exhausted connections',
    'at 20 users its microservices took 3 to 10 times as long',
  ],
} as const;
