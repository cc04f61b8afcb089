/**
 * What a process that this one starts may know of the environment: where programs, files and proxies are, and how text
 * and time are written. No settings and no secrets: what it needs of those it is given by name.
 */
const NAMES = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SHELL",
  "LANG",
  "LANGUAGE",
  "TZ",
  "TMPDIR",
  "TERM",
  "NODE_ENV",
  "NODE_COMPILE_CACHE",
  "NODE_EXTRA_CA_CERTS",
  "NODE_V8_COVERAGE",
  // The operator's own, as of `make profile`. Nothing writes to it that came from elsewhere.
  "NODE_OPTIONS",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "ALL_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "all_proxy",
  "no_proxy",
  "XDG_RUNTIME_DIR",
  "XDG_CONFIG_HOME",
  "XDG_CACHE_HOME",
  "FONTCONFIG_PATH",
  "FONTCONFIG_FILE",
  "MALLOC_ARENA_MAX",
  // Says whose process it is; see `run-group.ts`.
  "B9_RUN",
] as const;

/**
 * The environment for a child process: what is on the list, and `more`.
 * @param names of what this child may know besides
 */
export function childEnvironment(
  more: NodeJS.ProcessEnv = {},
  names: readonly string[] = [],
): NodeJS.ProcessEnv {
  const allowed = new Set<string>([...NAMES, ...names]);
  const known = Object.entries(process.env).filter(([name]) => allowed.has(name) || name.startsWith("LC_"));
  return { ...Object.fromEntries(known), ...more };
}
