/* SPDX-License-Identifier: Apache-2.0 */
/* router_advertisement.c - see dhcp6_server.h. */

#include "core/hub/dhcp/dhcp6_server.h"
#include "core/net/ndp.h"

#include <string.h>

enum {
    PREFIX_VALID_S = 7200, /* less would not be believed (RFC 4862, 5.5.3) */
    HOP_LIMIT = 64,
    IP6_MTU_MIN = 1280,
};

void
router_advertisement_write(struct writer *w, const struct dhcp6_server_config *config,
                           const uint8_t src[16], const uint8_t dst[16], unsigned lifetime_s)
{
    static const uint8_t none[16];
    bool has_dns = memcmp(config->dns, none, sizeof(none)) != 0;
    struct ndp_router_advertisement ra = {
        .hop_limit = HOP_LIMIT,
        .managed = config->stateful,
        .other = has_dns || config->domain[0] != '\0',
        .lifetime_s = (uint16_t)lifetime_s,
        .has_mac = true,
        .mac = config->mac,
        .mtu = config->mtu >= IP6_MTU_MIN ? config->mtu : 0,
        .n_prefix = 1,
        .dns_lifetime_s = lifetime_s,
    };
    struct ndp_prefix *p = &ra.prefix[0];

    memcpy(p->prefix, config->prefix, 8); /* the host's bits are zero */
    p->len = 64;
    p->on_link = p->autonomous = true;
    p->valid_s = PREFIX_VALID_S;
    p->preferred_s = lifetime_s; /* 0: addresses of it are for what is open already */
    if (has_dns) {
        memcpy(ra.dns[0], config->dns, sizeof(config->dns));
        ra.n_dns = 1;
    }
    ndp_write_router_advertisement(w, &ra, src, dst);
}
