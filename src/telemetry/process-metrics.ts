// What the operating system knows of this thread and this process, read when a snapshot is taken.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metrics } from './metrics.ts';

/** How finely delays of the event loop are seen, in ms. */
const delayResolutionMs = 50;

/** Measures this thread; call the returned function when the thread ends. The rate of the CPU seconds is its utilisation. */
export function measureThread(metrics: Metrics): () => void {
  const labels = { thread: metrics.thread };
  const delay = monitorEventLoopDelay({ resolution: delayResolutionMs });
  delay.enable();
  metrics.sample('counter', 'zerohop_thread_cpu_seconds_total', 'CPU time of a thread', threadCpuSeconds, labels);
  metrics.sample(
    'gauge',
    'zerohop_event_loop_delay_seconds',
    'Longest delay of the event loop since it was last asked for',
    () => {
      const seconds = delay.count === 0 ? 0 : delay.max / 1e9;
      delay.reset();
      return seconds;
    },
    labels,
  );
  return () => delay.disable();
}

/** Measures the process; for one thread of it. */
export function measureProcess(metrics: Metrics, version: string): void {
  metrics.sample('gauge', 'zerohop_info', 'The running version', () => 1, { version });
  metrics.sample('gauge', 'zerohop_uptime_seconds', 'Time since the process started', () => process.uptime());
  metrics.sample('gauge', 'zerohop_resident_memory_bytes', 'Memory of the process', () => process.memoryUsage.rss());
  metrics.sample('counter', 'zerohop_cpu_seconds_total', 'CPU time of the process', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
}

function threadCpuSeconds(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1e6;
}
