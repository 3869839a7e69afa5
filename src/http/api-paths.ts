/** Where everything is served. Routes are compared by the pattern that the router matched, never by the raw URL. */
export const API_BASE = '/api/v1/daemon';
export const DOCS_PATH = '/docs';
export const METRICS_PATH = '/metrics';
export const OPENAPI_JSON_PATH = '/openapi.json';
export const OPENAPI_YAML_PATH = '/openapi.yaml';

/** The pattern of a matched route; undefined where nothing matched. */
type Route = string | undefined;

export function isHealth(route: Route): boolean {
  return route === `${API_BASE}/health` || route === `${API_BASE}/health/live`;
}

export function isDocs(route: Route): boolean {
  return route === DOCS_PATH || route?.startsWith(`${DOCS_PATH}/`) === true;
}

export function isOpenApiDocument(route: Route): boolean {
  return route === OPENAPI_JSON_PATH || route === OPENAPI_YAML_PATH;
}
