/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h - the messages of an SE-VPN connection before its data: what is in them, and nothing of
 * how they are sent.
 *
 * docs/protocols/sevpn.md describes them. Text and data in a parsed struct is borrowed from the
 * pack it came from.
 */
#pragma once

#include "core/base/addr.h"
#include "core/base/pack.h"
#include "core/base/policy.h"
#include "core/base/reader.h"

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

#define SEVPN_TARGET_SIGNATURE  "/vpnsvc/connect.cgi"
#define SEVPN_TARGET_PACK       "/vpnsvc/vpn.cgi"
#define SEVPN_CONTENT_PACK      "application/octet-stream"
#define SEVPN_CONTENT_SIGNATURE "image/jpeg"
/* What 4.x and 5.01 clients look for in the answer to their probe "GET /". */
#define SEVPN_PROBE_TAG "9C37197CA7C2428388C2E6E59B829B30"

enum {
    SEVPN_VERSION = 502, /* the protocol's, as its peers count: 5.02 */
    SEVPN_BUILD = 9999,
    SEVPN_SIGNATURE_MAX = 3411, /* watermark of 1411 bytes and up to 2000 random ones */
    SEVPN_WATERMARK = 1411,
    SEVPN_PACK_MAX = 65536,
    SEVPN_CONNECTIONS_MAX = 32,
    SEVPN_TIMEOUT_MIN_MS = 5000,
    SEVPN_TIMEOUT_MAX_MS = 60000,
    SEVPN_TIMEOUT_MS = 20000,
    SEVPN_NOOPS = 30,
    SEVPN_CERT_MAX = 100000,
    SEVPN_SIGN_MAX = 512,
};

enum sevpn_auth {
    SEVPN_AUTH_ANONYMOUS = 0,
    SEVPN_AUTH_HASH = 1,
    SEVPN_AUTH_PLAIN = 2,
    SEVPN_AUTH_CERT = 3
};

/* Which way frames go on one TCP connection. */
enum sevpn_direction { SEVPN_BOTH = 0, SEVPN_SERVER_TO_CLIENT = 1, SEVPN_CLIENT_TO_SERVER = 2 };

/* ---- signature ---- */

/* The body of the first POST is one that an SE-VPN client sends. */
bool sevpn_signature_ok(struct reader body);

/* ---- hello: server to client ---- */

struct sevpn_hello {
    const char *product;
    uint32_t version, build;
    uint8_t random[20];
};
struct pack *sevpn_hello_build(const struct sevpn_hello *h);
bool sevpn_hello_parse(const struct pack *p, struct sevpn_hello *out) MUST_CHECK;

/* ---- a user's new password: client to server ---- */

struct sevpn_password {
    const char *hub, *user;
    uint8_t secure_old[20]; /* SHA0(hash of the old one || random) */
    uint8_t new_hash[20];
    bool has_nt_hash;
    uint8_t nt_hash[16];
};
bool sevpn_password_parse(const struct pack *p, struct sevpn_password *out) MUST_CHECK;

/* ---- login: client to server ---- */

struct sevpn_login {
    const char *hub, *user;
    uint32_t auth;               /* enum sevpn_auth, or what the peer says */
    uint8_t secure_password[20]; /* SEVPN_AUTH_HASH */
    const char *plain_password;  /* SEVPN_AUTH_PLAIN */
    struct reader cert, sign;    /* SEVPN_AUTH_CERT */
    const char *client_name;     /* "SoftEther VPN Client" */
    uint32_t client_ver, client_build;
    const char *host_name, *os_name, *os_ver;
    uint32_t max_connections; /* as asked: 0 is 1, more than 32 is 32 */
    bool encrypt, compress, half_duplex, qos, bridge_mode, monitor_mode;
    bool super_frames; /* ours: "polyether_super_frames" */
    uint8_t unique_id[20];
};
/* False when a field has the wrong size for its kind (then PE_PROTOCOL). */
bool sevpn_login_parse(const struct pack *p, struct sevpn_login *out) MUST_CHECK;
struct pack *sevpn_login_build(const struct sevpn_login *l);

/* ---- welcome: server to client ---- */

struct sevpn_welcome {
    const char *session_name, *connection_name;
    uint8_t session_key[20];
    uint32_t max_connections, timeout_ms;
    bool encrypt, compress, half_duplex, qos, super_frames;
    struct policy policy;
    uint32_t vlan_id;
    const char *message; /* UTF-8, may be "" */
};
struct pack *sevpn_welcome_build(const struct sevpn_welcome *w);
/* message is a g_malloc'ed copy here: the caller frees it. False when the server is not one we can
 * talk to. */
bool sevpn_welcome_parse(const struct pack *p, struct sevpn_welcome *out) MUST_CHECK;

/* What QoS and half-duplex need at least; applied to the wish of the client, RFC-less rule of the
 * protocol. */
uint32_t sevpn_connections_for(uint32_t wished, bool half_duplex, bool qos);

/* ---- additional connection ---- */

struct pack *sevpn_additional_build(const uint8_t session_key[20], const char *client_name);
struct pack *sevpn_additional_reply(enum sevpn_direction direction);

/* ---- errors ---- */

struct pack *sevpn_error_build(int code);
/* The code of an answer; 0: no error. */
static inline uint32_t
sevpn_error_of(const struct pack *p)
{
    return pack_int(p, "error");
}

/* Adds the random padding that every message has, and serialises. Frees the pack. */
GByteArray *sevpn_finish(struct pack *p);
