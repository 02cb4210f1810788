/* SPDX-License-Identifier: Apache-2.0 */
/* acl_law.h - access rules as the manual tells them, for the tests of core/hub/acl.
 *
 * Slow and plain on purpose: it looks at a description of a packet, not at its bytes, and asks one
 * rule after the other; nothing of it is shared with what is tested.
 */
#pragma once

#include "core/base/error.h"
#include "core/base/types.h"
#include "core/hub/acl/acl.h"

#include <glib.h>

#include <string.h>

enum law_type { LAW_OTHER, LAW_ARP, LAW_IP4, LAW_IP6 };
enum law_fragment { LAW_WHOLE, LAW_FIRST, LAW_LATER, LAW_TINY };

struct law_packet {
    enum law_type type;
    unsigned tags;
    struct mac src_mac, dst_mac;
    uint8_t src[16], dst[16]; /* of ARP as well */
    uint8_t protocol;
    uint16_t sport, dport;
    uint8_t tcp_flags;
    enum law_fragment fragment;
    const char *user, *group; /* NULL: none */
    bool to_known, on_arp;
    const char *to_user, *to_group; /* likewise */
};

struct law_bytes {
    size_t len;
    uint8_t b[160];
};

static inline void
law_put(struct law_bytes *out, const void *bytes, size_t n)
{
    memcpy(out->b + out->len, bytes, n);
    out->len += n;
}

static inline void
law_put8(struct law_bytes *out, unsigned v)
{
    out->b[out->len++] = (uint8_t)v;
}

static inline void
law_put16(struct law_bytes *out, unsigned v)
{
    law_put8(out, v >> 8);
    law_put8(out, v & 0xff);
}

static inline void
law_put_l4(struct law_bytes *out, const struct law_packet *p)
{
    static const uint8_t zero[20] = {0};
    bool has_ports = p->protocol == 6 || p->protocol == 17;

    if (p->fragment == LAW_LATER || p->fragment == LAW_TINY || !has_ports) {
        law_put(out, zero, 8);
        return;
    }
    law_put16(out, p->sport);
    law_put16(out, p->dport);
    if (p->protocol == 17) {
        law_put16(out, 8);
        law_put16(out, 0);
        return;
    }
    law_put(out, zero, 8);
    law_put8(out, 5 << 4);
    law_put8(out, p->tcp_flags);
    law_put(out, zero, 6);
}

static inline size_t
law_l4_len(const struct law_packet *p)
{
    struct law_bytes l4 = {.len = 0};
    law_put_l4(&l4, p);
    return l4.len;
}

static inline void
law_put_ip4(struct law_bytes *out, const struct law_packet *p)
{
    unsigned more = p->fragment == LAW_FIRST ? 0x2000 : 0;
    /* TINY: eight bytes into a TCP header. */
    unsigned offset = p->fragment == LAW_LATER ? 100 : p->fragment == LAW_TINY ? 1 : 0;

    law_put16(out, 0x4500);
    law_put16(out, 20 + (unsigned)law_l4_len(p));
    law_put16(out, 7);
    law_put16(out, more | offset);
    law_put8(out, 64);
    law_put8(out, p->protocol);
    law_put16(out, 0);
    law_put(out, p->src, 4);
    law_put(out, p->dst, 4);
    law_put_l4(out, p);
}

static inline void
law_put_ip6(struct law_bytes *out, const struct law_packet *p)
{
    bool is_fragment = p->fragment != LAW_WHOLE;
    unsigned offset = p->fragment == LAW_LATER ? 100 : p->fragment == LAW_TINY ? 1 : 0;

    law_put16(out, 0x6000);
    law_put16(out, 0);
    law_put16(out, (unsigned)law_l4_len(p) + (is_fragment ? 8 : 0));
    law_put8(out, is_fragment ? 44 : p->protocol);
    law_put8(out, 64);
    law_put(out, p->src, 16);
    law_put(out, p->dst, 16);
    if (is_fragment) {
        law_put8(out, p->protocol);
        law_put8(out, 0);
        law_put16(out, offset << 3 | (p->fragment == LAW_FIRST));
        law_put16(out, 0);
        law_put16(out, 7);
    }
    law_put_l4(out, p);
}

static inline void
law_build(const struct law_packet *p, struct law_bytes *out)
{
    static const unsigned types[] = {
        [LAW_OTHER] = 0x88b5, [LAW_ARP] = 0x0806, [LAW_IP4] = 0x0800, [LAW_IP6] = 0x86dd};
    static const uint8_t zero[46] = {0};

    out->len = 0;
    law_put(out, p->dst_mac.b, 6);
    law_put(out, p->src_mac.b, 6);
    for (unsigned i = 0; i < p->tags; i++) {
        law_put16(out, 0x8100);
        law_put16(out, 5 + i);
    }
    law_put16(out, types[p->type]);
    if (p->type == LAW_IP4)
        law_put_ip4(out, p);
    else if (p->type == LAW_IP6)
        law_put_ip6(out, p);
    else if (p->type == LAW_OTHER)
        law_put(out, zero, 46);
    if (p->type != LAW_ARP)
        return;
    law_put16(out, 1);
    law_put16(out, 0x0800);
    law_put16(out, 0x0604);
    law_put16(out, 1);
    law_put(out, p->src_mac.b, 6);
    law_put(out, p->src, 4);
    law_put(out, zero, 6);
    law_put(out, p->dst, 4);
}

/* ---- the law ---- */

static inline bool
law_text(const char *text)
{
    return text && text[0] != '\0';
}

static inline bool
law_zero(const uint8_t *p, size_t n)
{
    while (n > 0 && *p == 0) {
        p++;
        n--;
    }
    return n == 0;
}

static inline bool
law_is_address(const struct acl_side *s)
{
    return !law_zero(s->ip, 16) || !law_zero(s->mask, 16);
}

static inline bool
law_is_ports(const struct acl_side *s)
{
    return s->first_port > 0 || s->last_port > 0;
}

static inline bool
law_in_set(const struct acl_set *set, bool is_ip6, const uint8_t ip[16])
{
    struct ip address = {.family = is_ip6 ? 6 : 4};

    memcpy(address.b, ip, is_ip6 ? 16 : 4);
    for (unsigned i = 0; i < set->prefixes->len; i++)
        if (ip_prefix_has(&g_array_index(set->prefixes, struct ip_prefix, i), &address))
            return true;
    return false;
}

/* The address of one end; only asked of IP, or of ARP that counts as IPv4. */
static inline bool
law_address(const struct acl_rule *r, const struct acl_side *s, const GPtrArray *sets, bool is_ip6,
            const uint8_t ip[16])
{
    if (law_is_address(s)) {
        if (r->is_ip6 != is_ip6)
            return false;
        for (unsigned i = 0; i < (is_ip6 ? 16u : 4u); i++)
            if ((ip[i] & s->mask[i]) != (s->ip[i] & s->mask[i]))
                return false;
    }
    if (law_text(s->set)) {
        for (unsigned i = 0; sets && i < sets->len; i++) {
            const struct acl_set *set = g_ptr_array_index(sets, i);
            if (g_ascii_strcasecmp(set->name, s->set) == 0)
                return law_in_set(set, is_ip6, ip);
        }
        return false;
    }
    return true;
}

static inline bool
law_mac(const struct acl_side *s, const struct mac *mac)
{
    for (unsigned i = 0; s->check_mac && i < 6; i++)
        if ((mac->b[i] & s->mac_mask.b[i]) != (s->mac.b[i] & s->mac_mask.b[i]))
            return false;
    return true;
}

static inline bool
law_name(const char *want, const char *user, const char *group)
{
    return (user && g_ascii_strcasecmp(want, user) == 0) ||
           (group && g_ascii_strcasecmp(want, group) == 0);
}

static inline bool
law_port(const struct acl_side *s, uint16_t port)
{
    return !law_is_ports(s) || (port >= s->first_port && port <= s->last_port);
}

static inline bool
law_transport(const struct acl_rule *r, const struct law_packet *p)
{
    bool later = p->fragment == LAW_LATER || p->fragment == LAW_TINY;
    bool tcp = p->protocol == 6 && !later;
    bool udp = p->protocol == 17 && !later;

    if (r->protocol != 0 && r->protocol != p->protocol)
        return false;
    if (law_is_ports(&r->src) || law_is_ports(&r->dst)) {
        if (!tcp && !udp)
            return false;
        if (!law_port(&r->src, p->sport) || !law_port(&r->dst, p->dport))
            return false;
    }
    if (r->check_tcp_state) {
        bool opening = (p->tcp_flags & 0x12) == 0x02;
        return tcp && r->established != opening;
    }
    return true;
}

/* All but the receiver. */
static inline bool
law_fits(const struct acl_rule *r, const GPtrArray *sets, const struct law_packet *p)
{
    bool address = law_is_address(&r->src) || law_is_address(&r->dst);
    bool set = law_text(r->src.set) || law_text(r->dst.set);
    bool transport =
        r->protocol != 0 || law_is_ports(&r->src) || law_is_ports(&r->dst) || r->check_tcp_state;

    if (!r->active || !law_mac(&r->src, &p->src_mac) || !law_mac(&r->dst, &p->dst_mac))
        return false;
    if (law_text(r->src.user) && !law_name(r->src.user, p->user, p->group))
        return false;
    if (p->type == LAW_ARP && (!p->on_arp || transport))
        return false;
    if (!address && !set && !transport)
        return true;
    if (p->type == LAW_OTHER)
        return false;
    bool is_ip6 = p->type == LAW_IP6;
    if (!set && !address && r->is_ip6 != is_ip6)
        return false;
    if (!law_address(r, &r->src, sets, is_ip6, p->src) ||
        !law_address(r, &r->dst, sets, is_ip6, p->dst))
        return false;
    return p->type == LAW_ARP || law_transport(r, p);
}

struct law_verdict {
    enum acl_say say;
    uint32_t id; /* 0: no rule */
};

static inline bool
law_looks_at_ports(const struct acl_rule *r)
{
    return r->active && (r->check_tcp_state || law_is_ports(&r->src) || law_is_ports(&r->dst));
}

static inline bool
law_before(const struct acl_rule *a, const struct acl_rule *b)
{
    return a->priority < b->priority || (a->priority == b->priority && a->id < b->id);
}

static inline struct law_verdict
law_judge(const struct acl_rule *rules, unsigned n, const GPtrArray *sets,
          const struct law_packet *p)
{
    const struct acl_rule *found = NULL;
    bool headless = false;

    for (unsigned i = 0; i < n; i++) {
        headless |= law_looks_at_ports(&rules[i]);
        if (!law_fits(&rules[i], sets, p) || (found && law_before(found, &rules[i])))
            continue;
        if (law_text(rules[i].dst.user) && p->to_known &&
            !law_name(rules[i].dst.user, p->to_user, p->to_group))
            continue;
        found = &rules[i];
    }
    bool is_ip = p->type == LAW_IP4 || p->type == LAW_IP6;
    if (headless && is_ip && p->fragment == LAW_TINY && p->protocol == 6)
        return (struct law_verdict){ACL_DISCARD, 0};
    if (!found)
        return (struct law_verdict){ACL_PASS, 0};
    if (law_text(found->dst.user) && !p->to_known)
        return (struct law_verdict){ACL_UNDECIDED, found->id};
    return (struct law_verdict){found->discard ? ACL_DISCARD : ACL_PASS, found->id};
}

/* ---- the one that is tested, asked about the same packet ---- */

static inline struct law_verdict
law_ask(const struct acl *a, struct acl_cache *cache, struct acl_names *names,
        const struct law_packet *p)
{
    struct law_bytes bytes;
    struct flow flow;

    law_build(p, &bytes);
    g_autofree uint8_t *exact = g_memdup2(bytes.b, bytes.len); /* ASan guards its end */
    g_assert_cmpint(flow_parse(reader_of(exact, bytes.len), &flow), ==, DROP_NONE);
    struct acl_packet packet = {
        .frame = exact,
        .len = bytes.len,
        .flow = &flow,
        .from = {acl_names_hold(names, p->user), acl_names_hold(names, p->group)},
        .to = {acl_names_hold(names, p->to_user), acl_names_hold(names, p->to_group)},
        .to_known = p->to_known,
        .on_arp = p->on_arp,
    };
    struct acl_verdict v = acl_judge(a, cache, &packet);
    acl_names_release(names, packet.from.user);
    acl_names_release(names, packet.from.group);
    acl_names_release(names, packet.to.user);
    acl_names_release(names, packet.to.group);
    return (struct law_verdict){v.say, acl_rule_id(a, v.rule)};
}
