/* SPDX-License-Identifier: Apache-2.0 */
/* vhost_config.c - what a virtual host may be told. */

#include "core/hub/nat/vhost_priv.h"

enum {
    TCP_TIMEOUT_MIN_S = 60,
    UDP_TIMEOUT_MIN_S = 10,
    TIMEOUT_MAX_S = 2000000,
    MTU_MIN_IP6 = 1280,
    LEASE_MIN_S = 15,
};

static bool
is_mask(uint32_t mask)
{
    uint32_t rest = ~mask;
    return mask != 0 && (rest & (rest + 1)) == 0 && rest != 0;
}

static const char *
check_host(const struct vhost_config *c)
{
    if (eth_is_group(c->mac.b) || eth_is_zero(c->mac.b))
        return "the hardware address of the virtual host must be that of one adapter";
    if (!ip4_is_host(c->ip4))
        return "the IP address of the virtual host must be one that a host can have";
    if (!is_mask(c->mask4))
        return "the subnet mask of the virtual host is not a mask";
    if ((c->ip4 & ~c->mask4) == 0 || (c->ip4 & ~c->mask4) == ~c->mask4)
        return "the IP address of the virtual host is that of a network, not of a host";
    if (c->mtu < (c->use_ip6 ? MTU_MIN_IP6 : VHOST_MTU_MIN) || c->mtu > VHOST_MTU_MAX)
        return c->use_ip6 ? "the MTU must be between 1280 and 1500 where IPv6 is on"
                          : "the MTU must be between 576 and 1500";
    return NULL;
}

static const char *
check_times(const struct vhost_config *c)
{
    if (c->tcp_timeout_s < TCP_TIMEOUT_MIN_S || c->tcp_timeout_s > TIMEOUT_MAX_S)
        return "the timeout of TCP must be between 60 and 2000000 seconds";
    if (c->udp_timeout_s < UDP_TIMEOUT_MIN_S || c->udp_timeout_s > TIMEOUT_MAX_S)
        return "the timeout of UDP must be between 10 and 2000000 seconds";
    return NULL;
}

static const char *
check_dhcp4(const struct vhost_config *c)
{
    const struct dhcp4_server_config *d = &c->dhcp4;
    if (!c->use_dhcp)
        return NULL;
    if (!is_mask(d->mask))
        return "the subnet mask of the DHCP server is not a mask";
    if (!ip4_is_host(d->first) || !ip4_is_host(d->last) || d->first > d->last)
        return "the first address of the DHCP pool must not be behind its last";
    if (((d->first ^ c->ip4) & c->mask4) != 0 || ((d->last ^ c->ip4) & c->mask4) != 0)
        return "the DHCP pool must lie in the network of the virtual host";
    if (d->lease_s < LEASE_MIN_S)
        return "a DHCP lease must last at least 15 seconds";
    if (d->n_routes > DHCP_PUSH_ROUTES_MAX)
        return "DHCP can push at most 64 routes";
    if (d->n_reservations > DHCP_RESERVATIONS_MAX)
        return "there can be at most 4096 reserved addresses";
    return NULL;
}

static const char *
check_ip6(const struct vhost_config *c)
{
    static const uint8_t zero[8] = {0};
    if (!c->use_ip6)
        return NULL;
    const uint8_t *p = c->dhcp6.prefix;
    bool usable = (p[0] & 0xe0) == 0x20 || (p[0] & 0xfe) == 0xfc;
    if (!usable || memcmp(p + 8, zero, sizeof(zero)) != 0)
        return "the IPv6 prefix must be a /64 of global or unique local addresses";
    return NULL;
}

char *
vhost_config_check(const struct vhost_config *config)
{
    const char *why = check_host(config);

    if (!why)
        why = check_times(config);
    if (!why)
        why = check_dhcp4(config);
    if (!why)
        why = check_ip6(config);
    return g_strdup(why);
}
