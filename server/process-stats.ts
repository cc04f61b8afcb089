import { monitorEventLoopDelay, performance } from "node:perf_hooks";

/** Returns what tells how much the process has used since it was asked last. */
export function createProcessReader() {
  let utilization = performance.eventLoopUtilization();
  let cpu = process.cpuUsage();
  let at = performance.now();
  return () => {
    const used = process.cpuUsage(cpu);
    const loop = performance.eventLoopUtilization(utilization);
    const elapsedMs = Math.max(performance.now() - at, 1);
    utilization = performance.eventLoopUtilization();
    cpu = process.cpuUsage();
    at = performance.now();
    const { rss, heapUsed } = process.memoryUsage();
    return {
      /** Of one core. */
      cpu_percent: Math.round((used.user + used.system) / 10 / elapsedMs),
      /** Share of the time in which the event loop was busy. */
      event_loop_utilization: Math.round(loop.utilization * 1000) / 1000,
      rss_bytes: rss,
      heap_used_bytes: heapUsed,
    };
  };
}

const RESOLUTION_MS = 20;

/** Returns what tells how late the event loop was since it was asked last. */
export function createEventLoopReader() {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  // What is measured is the time between two looks.
  const lateMs = (ns: number) =>
    Number.isFinite(ns) ? Math.max(0, Math.round(ns / 1e5) / 10 - RESOLUTION_MS) : 0;
  return () => {
    const lag = {
      mean_ms: lateMs(delays.mean),
      p99_ms: lateMs(delays.percentile(99)),
      max_ms: lateMs(delays.max),
    };
    delays.reset();
    return lag;
  };
}
