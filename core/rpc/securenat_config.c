/* SPDX-License-Identifier: Apache-2.0 */
/* securenat_config.c - see securenat_config.h. The store's text is the JSON of the record. */
#include "core/rpc/securenat_config.h"

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/base/secret.h"
#include "core/rpc/rpc_priv.h"
#include "core/rpc/wire/json.h"
#include "core/rpc/wire/table.h"

#include <string.h>

enum {
    DEFAULT_ADDRESS = 0xc0a81e01, /* 192.168.30.1, as SoftEther has it */
    DEFAULT_MASK = 0xffffff00,
    DEFAULT_FIRST = 0xc0a81e0a,
    DEFAULT_LAST = 0xc0a81ec8,
    LEASE_S = 7200,
    TCP_TIMEOUT_S = 1800,
    UDP_TIMEOUT_S = 60,
};

void
securenat_config_free(struct vhost_config *config)
{
    if (!config)
        return;
    g_free(config->dhcp4.reservation);
    g_free(config);
}

/* ---- lists in text ---- */

static unsigned
mask_length(uint32_t mask)
{
    unsigned len = 0;

    while (len < 32 && (mask & (UINT32_C(1) << (31 - len))))
        len++;
    return len;
}

static uint32_t
mask_of(unsigned len)
{
    return len == 0 ? 0 : UINT32_MAX << (32 - len);
}

/* A mask like 255.255.255.0, or a length. */
static bool
parse_mask(const char *text, uint8_t *len)
{
    struct ip ip;
    guint64 n = 0;

    if (ip_parse(text, &ip) && ip.family == 4) {
        *len = (uint8_t)mask_length(ip_to_v4(&ip));
        return mask_of(*len) == ip_to_v4(&ip);
    }
    if (!g_ascii_string_to_unsigned(text, 10, 0, 32, &n, NULL))
        return false;
    *len = (uint8_t)n;
    return true;
}

static bool
parse_route(const char *text, struct dhcp4_route *out)
{
    g_auto(GStrv) part = g_strsplit(text, "/", -1);
    struct ip dst, via;

    if (g_strv_length(part) != 3 || !ip_parse(part[0], &dst) || dst.family != 4 ||
        !parse_mask(part[1], &out->len) || !ip_parse(part[2], &via) || via.family != 4)
        return false;
    out->dst = ip_to_v4(&dst) & mask_of(out->len);
    out->via = ip_to_v4(&via);
    return true;
}

static bool
take_routes(const struct record *r, struct dhcp4_server_config *d, GError **error)
{
    g_auto(GStrv) parts = g_strsplit_set(record_text(r, "DhcpPushRoutes_str"), ", ", -1);

    for (char **p = parts; *p; p++) {
        if (!(*p)[0])
            continue;
        if (d->n_routes == DHCP_PUSH_ROUTES_MAX)
            return rpc_fail(error, PE_TOO_MANY_ITEMS, "there can be %d routes",
                            DHCP_PUSH_ROUTES_MAX);
        if (!parse_route(*p, &d->route[d->n_routes]))
            return rpc_fail(error, PE_INVALID_PARAMETER,
                            "'%s' is not a route like 10.0.0.0/255.0.0.0/192.168.30.1", *p);
        d->n_routes++;
    }
    return true;
}

static bool
take_reservations(const struct record *r, struct dhcp4_server_config *d, GError **error)
{
    g_auto(GStrv) parts = g_strsplit_set(record_text(r, "Reservations_str"), ", ", -1);
    unsigned n = g_strv_length(parts);

    if (n > DHCP_RESERVATIONS_MAX)
        return rpc_fail(error, PE_TOO_MANY_ITEMS, "there can be %d fixed leases",
                        DHCP_RESERVATIONS_MAX);
    d->reservation = g_new0(struct dhcp_reservation, n > 0 ? n : 1);
    for (char **p = parts; *p; p++) {
        struct dhcp_reservation *to = &d->reservation[d->n_reservations];
        char *sign = strchr(*p, '=');
        struct ip ip;
        if (!(*p)[0])
            continue;
        if (sign)
            *sign = '\0';
        if (!sign || !mac_parse(*p, &to->mac) || !ip_parse(sign + 1, &ip) || ip.family != 4)
            return rpc_fail(error, PE_INVALID_PARAMETER,
                            "'%s' is not a fixed lease like 02:00:00:00:00:01=192.168.30.5", *p);
        to->ip4 = ip_to_v4(&ip);
        d->n_reservations++;
    }
    return true;
}

static char *
print_routes(const struct dhcp4_server_config *d)
{
    GString *out = g_string_new(NULL);

    for (unsigned i = 0; i < d->n_routes; i++) {
        char dst[IP_TEXT], mask[IP_TEXT], via[IP_TEXT];
        struct ip ip[3] = {ip_from_v4(d->route[i].dst), ip_from_v4(mask_of(d->route[i].len)),
                           ip_from_v4(d->route[i].via)};
        g_string_append_printf(out, "%s%s/%s/%s", i > 0 ? ", " : "", ip_print(&ip[0], dst),
                               ip_print(&ip[1], mask), ip_print(&ip[2], via));
    }
    return g_string_free(out, FALSE);
}

static char *
print_reservations(const struct dhcp4_server_config *d)
{
    GString *out = g_string_new(NULL);

    for (unsigned i = 0; i < d->n_reservations; i++) {
        char mac[MAC_TEXT], ip[IP_TEXT];
        struct ip address = ip_from_v4(d->reservation[i].ip4);
        g_string_append_printf(out, "%s%s=%s", i > 0 ? ", " : "",
                               mac_print(&d->reservation[i].mac, mac), ip_print(&address, ip));
    }
    return g_string_free(out, FALSE);
}

/* ---- records ---- */

static uint32_t
take_v4(const struct record *r, const char *name)
{
    struct ip ip = record_ip(r, name);

    return ip_to_v4(&ip);
}

static void
put_v4(struct record *out, const char *name, uint32_t v4)
{
    struct ip ip = v4 ? ip_from_v4(v4) : (struct ip){0};

    record_set_ip(out, name, &ip);
}

static bool
take_host(const struct record *r, struct vhost_config *c, GError **error)
{
    size_t len = 0;
    const void *mac = record_bin(r, "MacAddress_bin", &len);

    if (len != sizeof(c->mac.b))
        return rpc_fail(error, PE_INVALID_PARAMETER, "the hardware address has six bytes");
    memcpy(c->mac.b, mac, sizeof(c->mac.b));
    c->ip4 = take_v4(r, "Ip_ip");
    c->mask4 = take_v4(r, "Mask_ip");
    c->mtu = record_u32(r, "Mtu_u32");
    c->use_nat = record_bool(r, "UseNat_bool");
    if (record_u32(r, "NatMode_u32") > VHOST_NAT_KERNEL)
        return rpc_fail(error, PE_INVALID_PARAMETER, "the mode of translation is 0, 1 or 2");
    c->nat_mode = record_u32(r, "NatMode_u32");
    c->tcp_timeout_s = record_u32(r, "NatTcpTimeout_u32");
    c->udp_timeout_s = record_u32(r, "NatUdpTimeout_u32");
    c->save_log = record_bool(r, "SaveLog_bool");
    return true;
}

static bool
take_domain(const struct record *r, char domain[DHCP4_DOMAIN_MAX + 1], GError **error)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    const char *text = record_text(r, "DhcpDomainName_str");

    if (strlen(text) > DHCP4_DOMAIN_MAX || text[strspn(text, allowed)])
        return rpc_fail(error, PE_INVALID_PARAMETER, "'%s' is not the name of a domain", text);
    (void)g_strlcpy(domain, text, DHCP4_DOMAIN_MAX + 1);
    return true;
}

static bool
take_dhcp(const struct record *r, struct vhost_config *c, GError **error)
{
    struct dhcp4_server_config *d = &c->dhcp4;

    c->use_dhcp = record_bool(r, "UseDhcp_bool");
    d->first = take_v4(r, "DhcpLeaseIPStart_ip");
    d->last = take_v4(r, "DhcpLeaseIPEnd_ip");
    d->mask = take_v4(r, "DhcpSubnetMask_ip");
    d->lease_s = record_u32(r, "DhcpExpireTimeSpan_u32");
    d->gateway = take_v4(r, "DhcpGatewayAddress_ip");
    d->dns[0] = take_v4(r, "DhcpDnsServerAddress_ip");
    d->dns[1] = take_v4(r, "DhcpDnsServerAddress2_ip");
    bool routes =
        !record_has(r, "ApplyDhcpPushRoutes_bool") || record_bool(r, "ApplyDhcpPushRoutes_bool");
    return take_domain(r, d->domain, error) && (!routes || take_routes(r, d, error)) &&
           take_reservations(r, d, error);
}

/* The virtual host is prefix::1 and answers DNS there. */
static bool
take_ip6(const struct record *r, struct vhost_config *c, GError **error)
{
    const char *text = record_text(r, "Prefix6_str");
    struct ip_prefix p;

    c->use_ip6 = record_bool(r, "UseIp6_bool");
    c->dhcp6.stateful = record_bool(r, "UseDhcp6_bool");
    if (!text[0]) {
        if (c->use_ip6)
            return rpc_fail(error, PE_INVALID_PARAMETER, "IPv6 needs a network: a /64");
        return true;
    }
    if (!ip_prefix_parse(text, &p) || p.ip.family != 6 || p.len != 64)
        return rpc_fail(error, PE_INVALID_PARAMETER, "'%s' is not an IPv6 network: a /64", text);
    memcpy(c->dhcp6.prefix, p.ip.b, 8);
    c->dhcp6.mac = c->mac;
    c->dhcp6.lease_s = c->dhcp4.lease_s;
    c->dhcp6.mtu = c->mtu;
    memcpy(c->dhcp6.dns, c->dhcp6.prefix, 8);
    c->dhcp6.dns[15] = 1;
    memcpy(c->dhcp6.domain, c->dhcp4.domain, sizeof(c->dhcp6.domain));
    return true;
}

struct vhost_config *
securenat_config_from_record(const struct record *r, GError **error)
{
    struct vhost_config *c = g_new0(struct vhost_config, 1);

    if (take_host(r, c, error) && take_dhcp(r, c, error) && take_ip6(r, c, error)) {
        c->dhcp4.server = c->ip4;
        c->dhcp4.mtu = c->mtu;
        g_autofree char *fault = vhost_config_check(c);
        if (!fault)
            return c;
        rpc_fail(error, PE_INVALID_PARAMETER, "%s", fault);
    }
    securenat_config_free(c);
    return NULL;
}

void
securenat_config_to_record(const struct vhost_config *c, struct record *out)
{
    const struct dhcp4_server_config *d = &c->dhcp4;
    struct ip_prefix p = {.ip.family = 6, .len = 64};
    char prefix[PREFIX_TEXT];
    g_autofree char *routes = print_routes(d);
    g_autofree char *reservations = print_reservations(d);

    record_set_bin(out, "MacAddress_bin", c->mac.b, sizeof(c->mac.b));
    put_v4(out, "Ip_ip", c->ip4);
    put_v4(out, "Mask_ip", c->mask4);
    record_set_bool(out, "UseNat_bool", c->use_nat);
    record_set_u32(out, "Mtu_u32", c->mtu);
    record_set_u32(out, "NatTcpTimeout_u32", c->tcp_timeout_s);
    record_set_u32(out, "NatUdpTimeout_u32", c->udp_timeout_s);
    record_set_bool(out, "UseDhcp_bool", c->use_dhcp);
    put_v4(out, "DhcpLeaseIPStart_ip", d->first);
    put_v4(out, "DhcpLeaseIPEnd_ip", d->last);
    put_v4(out, "DhcpSubnetMask_ip", d->mask);
    record_set_u32(out, "DhcpExpireTimeSpan_u32", d->lease_s);
    put_v4(out, "DhcpGatewayAddress_ip", d->gateway);
    put_v4(out, "DhcpDnsServerAddress_ip", d->dns[0]);
    put_v4(out, "DhcpDnsServerAddress2_ip", d->dns[1]);
    record_set_text(out, "DhcpDomainName_str", d->domain);
    record_set_bool(out, "SaveLog_bool", c->save_log);
    record_set_bool(out, "ApplyDhcpPushRoutes_bool", true);
    record_set_text(out, "DhcpPushRoutes_str", routes);
    record_set_u32(out, "NatMode_u32", c->nat_mode);
    record_set_bool(out, "UseIp6_bool", c->use_ip6);
    memcpy(p.ip.b, c->dhcp6.prefix, sizeof(p.ip.b));
    record_set_text(out, "Prefix6_str", ip_prefix_print(&p, prefix));
    record_set_bool(out, "UseDhcp6_bool", c->dhcp6.stateful);
    record_set_text(out, "Reservations_str", reservations);
}

/* ---- the store ---- */

/* A unique local network (RFC 4193, 3.2.2) and a hardware address of our own. */
static struct vhost_config *
make_default(void)
{
    struct vhost_config *c = g_new0(struct vhost_config, 1);

    random_bytes(c->mac.b, sizeof(c->mac.b));
    c->mac.b[0] = 0x5e;
    c->ip4 = DEFAULT_ADDRESS;
    c->mask4 = DEFAULT_MASK;
    c->mtu = VHOST_MTU_MAX;
    c->use_nat = c->use_dhcp = c->use_ip6 = c->save_log = true;
    c->tcp_timeout_s = TCP_TIMEOUT_S;
    c->udp_timeout_s = UDP_TIMEOUT_S;
    c->dhcp4 = (struct dhcp4_server_config){.server = DEFAULT_ADDRESS,
                                            .first = DEFAULT_FIRST,
                                            .last = DEFAULT_LAST,
                                            .mask = DEFAULT_MASK,
                                            .lease_s = LEASE_S,
                                            .gateway = DEFAULT_ADDRESS,
                                            .dns = {DEFAULT_ADDRESS}};
    random_bytes(c->dhcp6.prefix, 6);
    c->dhcp6.prefix[0] = 0xfd;
    c->dhcp6.stateful = true;
    return c;
}

bool
securenat_config_save(struct store *s, const char *hub, bool enabled,
                      const struct vhost_config *config, GError **error)
{
    g_autoptr(record_t) r = record_new();

    securenat_config_to_record(config, r);
    json_t *json = record_to_json(r, rpc_securenat_options, true);
    char *text = rpc_json_print(json);
    bool ok = store_securenat_set(s, hub, enabled, text, error);
    json_decref(json);
    secret_free_str(text);
    return ok;
}

static struct vhost_config *
parse(const char *text, GError **error)
{
    json_t *json = rpc_json_parse(text, strlen(text), error);
    g_autoptr(record_t) r = json ? record_from_json(json, rpc_securenat_options, error) : NULL;

    json_decref(json);
    return r ? securenat_config_from_record(r, error) : NULL;
}

struct vhost_config *
securenat_config_load(struct store *s, const char *hub, bool *enabled, GError **error)
{
    g_autofree char *text = store_securenat_get(s, hub, enabled);

    if (text)
        return parse(text, error);
    struct vhost_config *fresh = make_default();
    bool saved = securenat_config_save(s, hub, false, fresh, error);
    securenat_config_free(fresh);
    g_autofree char *stored = saved ? store_securenat_get(s, hub, enabled) : NULL;
    return stored ? parse(stored, error) : NULL; /* one way for what is new and what is old */
}
