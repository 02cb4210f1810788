/* SPDX-License-Identifier: Apache-2.0 */
/* link_router.c - notices IPv6 routers behind the tunnel by their advertisements.
 *
 * The kernel gets them too and takes addresses from them; what it does not do is put the default
 * route into the tunnel's own table, which an account for all traffic needs. The first router is
 * kept while it lives (RFC 4861, 6.3.4); others wait for its end. At most one change a second is
 * told, whatever the far end sends.
 */
#include "apps/client/link_priv.h"
#include "core/base/reader.h"

#include <string.h>

enum {
    TYPE_IP6 = 0x86dd,
    NEXT_ICMP6 = 58,
    ROUTER_ADVERTISEMENT = 134,
    HOPS = 255, /* nobody forwarded it */
    QUIET_US = 1000 * 1000,
};

/* True when the frame is an advertisement: from whom, and for how long. */
static bool
parse(const struct frame *f, struct ip *from, uint16_t *lifetime_s)
{
    struct reader r = reader_of(f->data, f->len);
    struct ip ip = {.family = 6};

    (void)reader_take(&r, 12);
    if (reader_u16(&r) != TYPE_IP6)
        return false;
    (void)reader_take(&r, 6);
    uint8_t next = reader_u8(&r);
    uint8_t hops = reader_u8(&r);
    if (next != NEXT_ICMP6 || hops != HOPS)
        return false;
    reader_copy(&r, ip.b, sizeof ip.b);
    (void)reader_take(&r, 16);
    uint8_t type = reader_u8(&r);
    (void)reader_take(&r, 5); /* code, checksum, hop limit, flags */
    uint16_t lifetime = reader_u16(&r);
    bool is_link_local = ip.b[0] == 0xfe && (ip.b[1] & 0xc0) == 0x80;
    if (!reader_ok(&r) || type != ROUTER_ADVERTISEMENT || !is_link_local)
        return false;
    *from = ip;
    *lifetime_s = lifetime;
    return true;
}

bool
link_router_watch(struct link_router *r, const struct frame *f, int64_t now_us)
{
    struct ip from;
    uint16_t lifetime_s;

    if (!parse(f, &from, &lifetime_s))
        return false;
    bool known = r->ip.family != 0 && ip_equal(&r->ip, &from);
    if (known && lifetime_s > 0) {
        r->until_us = now_us + lifetime_s * (int64_t)1000000;
        return false;
    }
    bool vacant = r->ip.family == 0 || now_us >= r->until_us;
    if (now_us < r->quiet_us || (known ? lifetime_s > 0 : lifetime_s == 0 || !vacant))
        return false;
    r->ip = lifetime_s > 0 ? from : (struct ip){0};
    r->until_us = now_us + lifetime_s * (int64_t)1000000;
    r->quiet_us = now_us + QUIET_US;
    return true;
}
