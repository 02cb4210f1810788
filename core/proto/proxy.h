/* SPDX-License-Identifier: Apache-2.0 */
/* proxy.h - what is said to an HTTP or SOCKS proxy until it has connected us: a machine without
 * I/O.
 *
 * The owner sends what is in out, feeds what it receives, and is told how many bytes of that were
 * the proxy's: what follows belongs to the stream behind it. proxy_want() is the most the machine
 * can need next, so that an owner who reads no more than that from a socket leaves the rest there.
 *
 * HTTP: CONNECT with Basic login (RFC 9110 9.3.6, RFC 7617). SOCKS 4, with 4a for a name. SOCKS 5
 * with names resolved by the proxy and user/password login (RFC 1928, RFC 1929).
 */
#pragma once

#include "core/base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROXY_HOST_MAX = 255, PROXY_LOGIN_MAX = 255, PROXY_OUT_MAX = 2048, PROXY_INTERIM_MAX = 4 };

enum proxy_kind { PROXY_HTTP, PROXY_SOCKS4, PROXY_SOCKS5 };

enum proxy_verdict {
    PROXY_MORE,   /* feed more; first send what is in out */
    PROXY_OK,     /* connected */
    PROXY_FAILED, /* code and message say why */
};

/* Where to, and as whom. Borrowed during proxy_init() only. */
struct proxy_target {
    const char *host;
    uint16_t port;
    struct ip ip;                /* what host is, if that is known; else family 0 */
    const char *user, *password; /* NULL for none */
};

struct proxy {
    enum proxy_kind kind;
    unsigned step;
    int code; /* enum pe_error, after PROXY_FAILED */
    const char *message;

    struct ip ip;
    uint16_t port;
    char host[PROXY_HOST_MAX + 1];
    char user[PROXY_LOGIN_MAX + 1], password[PROXY_LOGIN_MAX + 1];
    bool has_login;

    uint8_t out[PROXY_OUT_MAX]; /* to be sent: out_len bytes; the owner sets it to 0 */
    size_t out_len;

    uint8_t *in; /* collects one answer; of IN_MAX bytes */
    size_t in_len;
    unsigned interim; /* HTTP 1xx answers so far */
};

/* The first bytes to send are in out afterwards; or PROXY_FAILED when the target or the login
 * cannot be said in this protocol. End with proxy_done() in any case. */
enum proxy_verdict proxy_init(struct proxy *p, enum proxy_kind kind, const struct proxy_target *t);
/* Wipes and frees. */
void proxy_done(struct proxy *p);

/* Takes bytes up to the end of the proxy's answer; *used says how many. Not called again after
 * another answer than PROXY_MORE. */
enum proxy_verdict proxy_feed(struct proxy *p, const void *bytes, size_t len, size_t *used);
/* No fewer bytes than this are still to come (at least 1 while the verdict is PROXY_MORE). */
size_t proxy_want(const struct proxy *p);
