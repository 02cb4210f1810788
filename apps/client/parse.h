/* SPDX-License-Identifier: Apache-2.0 */
/* parse.h - what people write for a server, a proxy, an address: text to values and back.
 *
 * Used by the command line for early complaints and by the daemon, whose word counts. On failure
 * nothing is written to the outputs and the error names the text.
 */
#pragma once

#include "core/base/addr.h"
#include "core/proto/dial.h"

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

enum { PARSE_DEFAULT_PORT = 443, PARSE_NAME_MAX = 63, PARSE_HOST_MAX = 255 };

/* HOST, HOST:PORT, [IPv6]:PORT, a bare IPv6 address. The host without brackets. */
bool parse_server(const char *text, char **host, uint16_t *port, GError **error);
/* The inverse: brackets where needed. */
char *parse_server_print(const char *host, uint16_t port);

struct parse_proxy {
    enum dial_proxy kind; /* DIAL_DIRECT for "" and "none" */
    char *host, *user;    /* user NULL for none */
    uint16_t port;
};
void parse_proxy_clear(struct parse_proxy *p);
/* http://[USER@]HOST[:PORT], socks4://..., socks5://...; ports 8080 and 1080 if left out. */
bool parse_proxy(const char *text, struct parse_proxy *out, GError **error);
char *parse_proxy_print(const struct parse_proxy *p);

enum address_mode { ADDRESS_DHCP, ADDRESS_NONE, ADDRESS_STATIC };
/* "dhcp", "none", or A.B.C.D/LEN, an address that a host may have, with its prefix. */
bool
parse_address(const char *text, enum address_mode *mode, struct ip_prefix *address, GError **error);
/* A prefix, with no bits set behind its length. */
bool parse_route(const char *text, struct ip_prefix *out, GError **error);

/* A name that an account may have: letters, digits and "._-@ " in UTF-8, 1 to 63 characters. */
bool parse_account_name(const char *text, GError **error);
/* A name that a virtual adapter may have (15 bytes), or "" for the daemon's choice. */
bool parse_adapter(const char *text, GError **error);
