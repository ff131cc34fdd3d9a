// The configuration of an HAProxy (2.4 or newer) before the members of a cluster. Pure.

import { isIP } from 'node:net';
import type { Member } from './members.ts';

/** A member as a load balancer sees it. */
export interface Backend {
  readonly name: string;
  readonly host: string;
  /** Of the application; 0: any free one, which nobody can know. */
  readonly http: number;
  /** Whether that speaks HTTPS. */
  readonly tls: boolean;
  /** Of its agent; 0: it has none. */
  readonly agent: number;
  readonly region: string;
  /** From the node the configuration is made on; undefined: not known. */
  readonly roundTripMs: number | undefined;
}

export interface HaproxyOptions {
  readonly cluster: string;
  /** Whose members are used while one of them is up; '': all are. */
  readonly region: string;
  /** What HAProxy listens on: ':80'. */
  readonly bind: string;
  /** The authorities by which the certificates of members that speak HTTPS are, a file where HAProxy runs. */
  readonly caFile: string;
}

/** What HAProxy gives a server of the region, of 256 at most. */
const fullWeight = 100;

export function backendOf(
  { name, host, http = 0, tls = false, agent = 0, region = '' }: Member,
  roundTripMs: number | undefined,
): Backend {
  return { name, host, http, tls, agent, region, roundTripMs };
}

/**
 * Members of the region first; when none is up, the others, the nearer the more. Only requests that change nothing are sent to a second member
 * after the first may have begun on them.
 */
export function haproxyConfig(members: readonly Backend[], { cluster, region, bind, caFile }: HaproxyOptions): string {
  const isNear = (one: Backend) => region === '' || one.region === region;
  const usable = members.filter(({ http, host }) => http !== 0 && host !== '');
  const near = usable.filter(isNear);
  const far = usable.filter((one) => !isNear(one));
  // Where nobody is of the region, there is no reason to hold anybody back.
  const [first, second] = near.length > 0 ? [near, far] : [far, []];
  const nearestMs = Math.min(...second.map(({ roundTripMs }) => Math.max(1, roundTripMs ?? Number.POSITIVE_INFINITY)));
  const weightOf = ({ roundTripMs }: Backend) =>
    roundTripMs === undefined || !Number.isFinite(nearestMs)
      ? 1
      : Math.max(1, Math.round((fullWeight * nearestMs) / Math.max(1, roundTripMs)));
  const left = members.filter((one) => !usable.includes(one));
  return `# Made by: zerohop cluster haproxy. Make it anew when members come or go.
# Cluster ${cluster}${region === '' ? '' : `, for the region ${region}`}.

defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout http-request 10s
    timeout http-keep-alive 60s
    timeout queue 5s
    # Server-sent events and WebSockets.
    timeout tunnel 1h

frontend zerohop
    bind ${bind}
    # With a certificate: bind :443 ssl crt /etc/haproxy/site.pem alpn h2,http/1.1
    default_backend zerohop

backend zerohop
    balance leastconn
    http-reuse safe
    # Health: the process answers. Weight, drain and maintenance: what the node's agent says.
    option httpchk
    http-check send meth GET uri /health ver HTTP/1.1 hdr Host zerohop
    http-check expect status 200
    # What could not be brought to one member goes to another. Of what was sent already only reads are sent again.
    # Enough for a member of which three connections are refused, and then another.
    retries 6
    option redispatch 1
    retry-on conn-failure empty-response junk-response 503
    http-request disable-l7-retry unless { method GET HEAD OPTIONS }
    # When no member of the region is up, all others share the load by their weights.
    option allbackups
    # Three connections refused in a row mark a member as down before its health check does.
    default-server check inter 1s fastinter 500ms fall 2 rise 2 observe layer4 error-limit 3 on-error mark-down
    default-server agent-inter 1s init-addr last,libc,none
${[...first.map((one) => serverLine(one, fullWeight, false, caFile)), ...second.map((one) => serverLine(one, weightOf(one), true, caFile))].join('\n')}
${left.map(({ name }) => `    # ${name} is left out: it does not say where its application is (http.port, replication.address).\n`).join('')}`;
}

function serverLine(
  { name, host, http, tls, agent, region }: Backend,
  weight: number,
  isBackup: boolean,
  caFile: string,
): string {
  const words = [
    `    server ${serverName(name)} ${host.includes(':') ? `[${host}]` : host}:${http}`,
    `weight ${weight}`,
    ...(tls ? [tlsWords(host, caFile)] : []),
    ...(agent === 0 ? [] : [`agent-check agent-port ${agent}`]),
    ...(isBackup ? ['backup'] : []),
    ...(region === '' ? [] : [`# ${plain(region)}`]),
  ];
  return words.join(' ');
}

/** Health checks go the same way. HAProxy compares certificates with names alone: of an address, whose authority it is counts. */
function tlsWords(host: string, caFile: string): string {
  const verified = `ssl verify required ca-file ${caFile}`;
  return isIP(host) === 0 ? `${verified} sni str(${host}) check-sni ${host} verifyhost ${host}` : verified;
}

/** Of letters HAProxy takes. */
function serverName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9._:-]/g, '_');
}

function plain(text: string): string {
  return text.replaceAll(/[^ -~]/g, '?');
}
