/* SPDX-License-Identifier: Apache-2.0 */
/* tunnel_status.c - a tunnel as JSON, for the control socket. */
#include "apps/client/tunnel_priv.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/crypto/cert.h"

#include <string.h>

/* Text of the server is not trusted to be UTF-8. */
static json_t *
text_or_null(const char *text)
{
    g_autofree char *valid = text ? g_utf8_make_valid(text, -1) : NULL;
    return valid ? json_string(valid) : json_null();
}

static json_t *
fingerprint_to_json(const uint8_t fp[32])
{
    char text[CERT_FINGERPRINT_TEXT];
    return json_string(cert_fingerprint_print(fp, text));
}

static void
add_error(json_t *o, const struct tunnel *t)
{
    if (t->code != PE_OK)
        json_object_set_new(
            o, "error",
            json_pack("{s:i, s:o}", "code", t->code, "message", text_or_null(t->message)));
    if (t->has_fingerprint)
        json_object_set_new(o, "fingerprint", fingerprint_to_json(t->fingerprint));
    if (t->account->trust == ACCOUNT_TRUST_PIN)
        json_object_set_new(o, "pinned", fingerprint_to_json(t->account->pin));
}

static void
add_session(json_t *o, const struct tunnel *t)
{
    char server[ENDPOINT_TEXT];
    const struct link_session *s = &t->session;

    json_object_set_new(o, "session", text_or_null(s->session_name));
    json_object_set_new(o, "connection", text_or_null(s->connection_name));
    json_object_set_new(o, "server_product", text_or_null(s->server_product));
    json_object_set_new(o, "server_message", text_or_null(s->message));
    json_object_set_new(o, "server_address", json_string(endpoint_print(&s->server, server)));
    json_object_set_new(o, "cipher", text_or_null(s->cipher));
    json_object_set_new(o, "max_connections", json_integer((json_int_t)s->max_connections));
    json_object_set_new(o, "half_duplex", json_boolean(s->half_duplex));
    json_object_set_new(o, "compress", json_boolean(s->compress));
    json_object_set_new(o, "super_frames", json_boolean(s->super_frames));
    json_object_set_new(o, "since_ms", json_integer((json_int_t)t->since_ms));
}

static json_t *
route_to_json(const struct pf_route *r)
{
    char to_text[PREFIX_TEXT], via_text[IP_TEXT];
    struct ip_prefix to = {.ip.family = (uint8_t)r->family, .len = r->dst_len};
    struct ip via = {.family = (uint8_t)r->family};
    static const uint8_t none[16];

    memcpy(to.ip.b, r->dst, sizeof to.ip.b);
    memcpy(via.b, r->via, sizeof via.b);
    bool on_link = memcmp(r->via, none, sizeof none) == 0;
    return json_pack("{s:s, s:s?}", "to", ip_prefix_print(&to, to_text), "via",
                     on_link ? NULL : ip_print(&via, via_text));
}

static void
add_network(json_t *o, struct tunnel *t)
{
    char text[PREFIX_TEXT];
    uint8_t b[6];
    struct mac mac;
    json_t *addresses = json_array(), *routes = json_array(), *dns = json_array();

    pf_vnic_mac(link_vnic(t->link), b);
    memcpy(mac.b, b, sizeof mac.b);
    json_object_set_new(o, "mac", json_string(mac_print(&mac, text)));
    if (t->plan.routes && t->plan.has_address)
        json_array_append_new(addresses, json_string(ip_prefix_print(&t->plan.address, text)));
    for (guint i = 0; t->plan.routes && i < t->plan.routes->len; i++)
        json_array_append_new(routes,
                              route_to_json(&g_array_index(t->plan.routes, struct pf_route, i)));
    for (unsigned i = 0; t->has_offer && i < t->offer.n_dns; i++)
        json_array_append_new(dns, json_string(ip_print(&t->offer.dns[i], text)));
    json_object_set_new(o, "addresses", addresses);
    json_object_set_new(o, "routes", routes);
    json_object_set_new(o, "dns", dns);
    if (t->has_offer && t->offer.domain[0])
        json_object_set_new(o, "domain", text_or_null(t->offer.domain));
    if (t->plan.routes && t->plan.gateway.family)
        json_object_set_new(o, "gateway", json_string(ip_print(&t->plan.gateway, text)));
    if (t->network_problem)
        json_object_set_new(o, "network_problem", json_string(t->network_problem));
}

static void
add_counters(json_t *o, struct tunnel *t)
{
    struct link_stats s;

    link_get_stats(t->link, &s);
    json_object_set_new(o, "connections", json_integer((json_int_t)s.session.connections));
    json_object_set_new(o, "in_frames", json_integer((json_int_t)s.session.in_frames));
    json_object_set_new(o, "in_bytes", json_integer((json_int_t)s.session.in_bytes));
    json_object_set_new(o, "out_frames", json_integer((json_int_t)s.session.out_frames));
    json_object_set_new(o, "out_bytes", json_integer((json_int_t)s.session.out_bytes));
    json_object_set_new(o, "dropped_frames", json_integer((json_int_t)s.dropped));
}

json_t *
tunnel_status_down(const struct account *a)
{
    g_autofree char *server = parse_server_print(a->host, a->port);

    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", a->name, "state", "down", "server",
                     server, "hub", a->hub, "user", a->user);
}

json_t *
tunnel_status(struct tunnel *t)
{
    json_t *o = tunnel_status_down(t->account);
    enum reconnect_state state = t->reconnect.state;
    bool wants_address = t->account->address_mode != ADDRESS_NONE;

    json_object_set_new(o, "state", json_string(reconnect_state_name(state)));
    json_object_set_new(o, "wants_address", json_boolean(wants_address));
    add_error(o, t);
    if (state == RECONNECT_WAITING) {
        int64_t left_us = MAX(t->reconnect.deadline_us - clock_now_us(), 0);
        json_object_set_new(o, "retry_in_ms", json_integer((json_int_t)(left_us / 1000)));
    }
    if (t->link) {
        json_object_set_new(o, "adapter", json_string(tunnel_adapter(t)));
        add_network(o, t);
        add_counters(o, t);
    }
    if (state == RECONNECT_ESTABLISHED)
        add_session(o, t);
    return o;
}
