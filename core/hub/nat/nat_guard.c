/* SPDX-License-Identifier: Apache-2.0 */
/* nat_guard.c - where clients may not go by the sockets of this host.
 *
 * A packet that a router forwards can never reach 127.0.0.1; a socket of the router's own can, and
 * behind it are services that believe everybody there. The same holds for link-local addresses,
 * where clouds answer with secrets of the machine. The network of the hub itself has nobody outside
 * who could answer for it.
 */

#include "core/hub/nat/vhost_priv.h"

static bool
may_reach4(const struct vhost *v, const struct ip *dst)
{
    uint32_t a = ip_to_v4(dst);
    return ip4_is_host(a) && a >> 16 != 0xa9fe && !ip_prefix_has(&v->net4, dst);
}

static bool
may_reach6(const struct vhost *v, const struct ip *dst)
{
    static const struct {
        uint8_t bytes[2];
        uint8_t mask[2];
    } refused[] = {
        {{0xfe, 0x80}, {0xff, 0xc0}}, /* link-local */
        {{0xfe, 0xc0}, {0xff, 0xc0}}, /* site-local, of old */
        {{0xff, 0x00}, {0xff, 0x00}}, /* groups */
    };
    static const uint8_t zero[10] = {0};
    for (unsigned i = 0; i < ARRAY_LEN(refused); i++)
        if ((dst->b[0] & refused[i].mask[0]) == refused[i].bytes[0] &&
            (dst->b[1] & refused[i].mask[1]) == refused[i].bytes[1])
            return false;
    /* ::, ::1, and all that has an IPv4 address inside of it, like ::ffff:127.0.0.1. */
    if (memcmp(dst->b, zero, sizeof(zero)) == 0)
        return false;
    return !ip_prefix_has(&v->net6, dst);
}

bool
nat_may_reach(const struct vhost *v, const struct ip *dst)
{
    return dst->family == 4 ? may_reach4(v, dst) : may_reach6(v, dst);
}
