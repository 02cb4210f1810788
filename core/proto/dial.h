/* SPDX-License-Identifier: Apache-2.0 */
/* dial.h - a TCP connection to a host, directly or through an HTTP or SOCKS proxy, without
 * blocking.
 *
 * Names are resolved on a helper thread; addresses are tried in order, with a new attempt every 250
 * ms while earlier ones hang (RFC 8305, simplified); the first to connect wins. Steps have a time
 * limit of DIAL_STEP_S. What the proxies say is read by a pure machine (proxy.h).
 */
#pragma once

#include "core/base/addr.h"
#include "core/base/secret.h"
#include "core/base/worker.h"

#include <stdint.h>

enum { DIAL_STEP_S = 10, DIAL_ADDRESSES = 8 };

enum dial_proxy { DIAL_DIRECT, DIAL_HTTP, DIAL_SOCKS4, DIAL_SOCKS5 };

/* All text g_malloc'ed; dial_config_copy() and _clear() are deep. */
struct dial_config {
    char *host;
    uint16_t port;
    enum dial_proxy proxy;
    char *proxy_host;
    uint16_t proxy_port;
    char *proxy_user;
    struct secret *proxy_password;
    uint32_t mark; /* routing mark for pf_tcp_connect(), 0 for none */
};
void dial_config_copy(struct dial_config *to, const struct dial_config *from);
void dial_config_clear(struct dial_config *c);

struct dial;

/* Exactly once, on the worker, never from inside dial_start(). fd: connected, non-blocking, now the
 * owner's; or -1, then code is PE_CONNECT_FAILED, PE_PROXY_CONNECT_FAILED, PE_PROXY_ERROR or
 * PE_PROXY_AUTH_FAILED and message a sentence. peer: the address connected to (the proxy's, if
 * there is one). The dial object is gone when this returns. */
typedef void
dial_done(void *owner, int fd, const struct endpoint *peer, int code, const char *message);

/* Own thread of w. The config is copied. */
struct dial *
dial_start(struct worker *w, const struct dial_config *config, dial_done *done, void *owner);
/* done() does not come any more. */
void dial_cancel(struct dial *d);
