/* SPDX-License-Identifier: Apache-2.0 */
/* dhcp4_message.c - see dhcp4_message.h. */

#include "core/hub/dhcp/dhcp4_message.h"

#include "core/net/ip4.h"
#include "core/net/udp.h"

#include <glib.h>

#include <string.h>

enum {
    OPT_BROADCAST = 28,
    OPT_ROUTES_OLD = 249, /* as RFC 3442's, for Windows before it had a number */
    PACKET_MIN = 576,     /* RFC 2131, 2: what every client takes */
    PACKET_MAX = 1500,
    CODES = 256,
};

/* What a client is told that does not say what it wants. */
static const uint8_t usual[] = {DHCP4_OPT_ROUTER, DHCP4_OPT_DNS,    DHCP4_OPT_DOMAIN,
                                OPT_BROADCAST,    DHCP4_OPT_ROUTES, DHCP4_OPT_MTU};

/* ---- reading ---- */

static void
read_hostname(const struct dhcp4_message *m, char out[64])
{
    uint8_t bytes[255];
    int len = dhcp4_option(m, DHCP4_OPT_HOSTNAME, bytes, sizeof(bytes));
    unsigned n = 0;

    for (int i = 0; i < len && n < 63; i++) { /* it will be shown, and kept */
        if (g_ascii_isalnum(bytes[i]) || bytes[i] == '-' || bytes[i] == '.' || bytes[i] == '_')
            out[n++] = (char)bytes[i];
    }
    out[n] = '\0';
}

static uint16_t
read_room(const struct dhcp4_message *m)
{
    uint8_t bytes[2];
    unsigned size = PACKET_MIN;

    if (dhcp4_option(m, DHCP4_OPT_MAX_SIZE, bytes, sizeof(bytes)) == 2)
        size = (unsigned)bytes[0] << 8 | bytes[1];
    return (uint16_t)(CLAMP(size, PACKET_MIN, PACKET_MAX) - IP4_HEADER - UDP_HEADER);
}

static bool
is_station(const struct mac *mac)
{
    static const struct mac none;

    return !(mac->b[0] & 1) && !mac_equal(mac, &none);
}

bool
dhcp4_request_read(struct reader message, const struct mac *from, struct dhcp4_request *out)
{
    struct dhcp4_message m;

    if (dhcp4_parse(message, &m) != DROP_NONE || m.reply || !is_station(&m.chaddr))
        return false;
    *out = (struct dhcp4_request){.type = m.type,
                                  .xid = m.xid,
                                  .broadcast = m.broadcast,
                                  .ciaddr = m.ciaddr,
                                  .giaddr = m.giaddr,
                                  .chaddr = m.chaddr,
                                  .from = *from,
                                  .room = read_room(&m)};
    (void)dhcp4_option_u32(&m, DHCP4_OPT_ADDRESS, &out->address);
    (void)dhcp4_option_u32(&m, DHCP4_OPT_SERVER, &out->server);
    (void)dhcp4_option_u32(&m, DHCP4_OPT_LEASE, &out->lease_s);
    int n = dhcp4_option(&m, DHCP4_OPT_PARAMETERS, out->parameter, sizeof(out->parameter));
    out->has_parameters = n > 0;
    out->n_parameters = (uint8_t)MAX(n, 0);
    n = dhcp4_option(&m, DHCP4_OPT_CLIENT_ID, out->client_id, sizeof(out->client_id));
    out->client_id_len = (uint8_t)MAX(n, 0);
    read_hostname(&m, out->hostname);
    return true;
}

/* ---- writing ---- */

static void
put_u32(struct writer *w, uint8_t code, uint32_t v)
{
    if (v != 0)
        dhcp4_write_option_u32(w, code, v);
}

static void
put_dns(struct writer *w, const struct dhcp4_server_config *c)
{
    uint8_t bytes[sizeof(c->dns)];
    struct writer list = writer_of(bytes, sizeof(bytes));

    for (unsigned i = 0; i < ARRAY_LEN(c->dns); i++) {
        if (c->dns[i] != 0)
            writer_u32(&list, c->dns[i]);
    }
    if (list.len > 0)
        dhcp4_write_option(w, DHCP4_OPT_DNS, bytes, list.len);
}

/* A client that takes these looks no more at the router option (RFC 3442), so that the way by the
 * gateway must be among them. */
static void
put_routes(struct writer *w, const struct dhcp4_server_config *c, uint8_t code)
{
    uint8_t bytes[(DHCP_PUSH_ROUTES_MAX + 1) * 9];
    struct writer list = writer_of(bytes, sizeof(bytes));
    struct dhcp4_route all = {.via = c->gateway};
    unsigned n = MIN(c->n_routes, DHCP_PUSH_ROUTES_MAX);
    bool has_default = c->gateway == 0;

    for (unsigned i = 0; i < n; i++)
        has_default |= c->route[i].len == 0;
    if (n == 0)
        return;
    if (!has_default)
        dhcp4_encode_routes(&list, &all, 1);
    dhcp4_encode_routes(&list, c->route, n);
    if (writer_ok(&list))
        dhcp4_write_option(w, code, bytes, list.len);
}

/* The option of the configuration with this code; nothing when there is no such. */
static void
put_configured(struct writer *w, const struct dhcp4_server_config *c, uint8_t code)
{
    switch (code) {
    case DHCP4_OPT_ROUTER:
        put_u32(w, code, c->gateway);
        return;
    case DHCP4_OPT_DNS:
        put_dns(w, c);
        return;
    case DHCP4_OPT_DOMAIN:
        if (c->domain[0] != '\0')
            dhcp4_write_option(w, code, c->domain, strlen(c->domain));
        return;
    case DHCP4_OPT_MTU:
        if (c->mtu != 0 && c->mtu != PACKET_MAX) {
            uint8_t mtu[2] = {(uint8_t)(c->mtu >> 8), (uint8_t)c->mtu};
            dhcp4_write_option(w, code, mtu, sizeof(mtu));
        }
        return;
    case OPT_BROADCAST:
        put_u32(w, code, c->server | ~c->mask);
        return;
    case DHCP4_OPT_ROUTES:
    case OPT_ROUTES_OLD:
        put_routes(w, c, code);
        return;
    default:
        return;
    }
}

/* In the order that the client gave (RFC 2132, 9.8). What does not fit is left out whole. */
static void
put_parameters(struct writer *w, const struct dhcp4_server_config *c, const struct dhcp4_request *r)
{
    const uint8_t *codes = r->has_parameters ? r->parameter : usual;
    unsigned n = r->has_parameters ? r->n_parameters : (unsigned)sizeof(usual);
    bool done[CODES] = {false};
    uint8_t bytes[DHCP4_OPTION_MAX];

    for (unsigned i = 0; i < n; i++) {
        struct writer one = writer_of(bytes, sizeof(bytes));
        if (!done[codes[i]])
            put_configured(&one, c, codes[i]);
        done[codes[i]] = true;
        if (writer_ok(&one) && w->len + one.len + 1 <= r->room) /* and the end */
            writer_bytes(w, bytes, one.len);
    }
}

void
dhcp4_answer_write(struct writer *w, const struct dhcp4_server_config *config,
                   const struct dhcp4_request *r, enum dhcp4_type type, uint32_t yiaddr,
                   uint32_t lease_s)
{
    struct dhcp4_message m = {.reply = true,
                              .xid = r->xid,
                              .type = type,
                              /* 4.3.2: who is refused has no address to be told by */
                              .broadcast = r->broadcast || type == DHCP4_NAK,
                              .ciaddr = type == DHCP4_ACK ? r->ciaddr : 0,
                              .yiaddr = yiaddr,
                              .chaddr = r->chaddr};

    dhcp4_write_header(w, &m);
    dhcp4_write_option_u32(w, DHCP4_OPT_SERVER, config->server);
    if (r->client_id_len > 0) /* RFC 6842 */
        dhcp4_write_option(w, DHCP4_OPT_CLIENT_ID, r->client_id, r->client_id_len);
    if (lease_s != 0) {
        dhcp4_write_option_u32(w, DHCP4_OPT_LEASE, lease_s);
        dhcp4_write_option_u32(w, DHCP4_OPT_T1, lease_s / 2);
        dhcp4_write_option_u32(w, DHCP4_OPT_T2, (uint32_t)((uint64_t)lease_s * 7 / 8));
    }
    if (type != DHCP4_NAK) {
        dhcp4_write_option_u32(w, DHCP4_OPT_MASK, config->mask);
        put_parameters(w, config, r);
    }
    dhcp4_write_end(w);
}
