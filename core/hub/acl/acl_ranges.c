/* SPDX-License-Identifier: Apache-2.0 */
/* acl_ranges.c - sets of addresses as sorted ranges, so that thousands of networks are searched in
 * a dozen steps. */

#include "core/hub/acl/acl_priv.h"

static int
compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct ip_range));
}

static struct ip_range
range_of(const struct ip_prefix *p, unsigned bytes)
{
    struct ip_range r = {.first = {0}};
    uint8_t mask[16];

    acl_mask_of_length(p->len, mask, bytes);
    for (unsigned i = 0; i < bytes; i++) {
        r.first[i] = p->ip.b[i] & mask[i];
        r.last[i] = (uint8_t)(r.first[i] | (uint8_t)~mask[i]);
    }
    return r;
}

/* Prefixes contain each other or do not meet: so of those in order, one that begins within the last
 * that was kept is in it. */
static unsigned
sort_and_merge(struct ip_range *r, unsigned n)
{
    unsigned kept = 0;

    if (n == 0)
        return 0;
    qsort(r, n, sizeof(*r), compare);
    for (unsigned i = 0; i < n; i++) {
        bool inside = kept > 0 && memcmp(r[i].first, r[kept - 1].last, 16) <= 0;
        if (inside && memcmp(r[i].last, r[kept - 1].last, 16) > 0)
            memcpy(r[kept - 1].last, r[i].last, 16);
        else if (!inside)
            r[kept++] = r[i];
    }
    return kept;
}

static void
allow(uint64_t set[4], unsigned first, unsigned last)
{
    for (unsigned v = first; v <= last; v++)
        set[v / 64] |= 1ull << v % 64;
}

/* Of a prefix, each byte has a range of its own. */
static void
note_bytes(struct acl_ranges *r, const struct ip_range *range, const struct ip_prefix *p,
           unsigned bytes)
{
    uint8_t mask[16];

    acl_mask_of_length(p->len, mask, bytes);
    for (unsigned i = 0; i < 16; i++) {
        if (i < bytes)
            allow(r->bytes[i], range->first[i], range->last[i]);
        else
            r->bytes[i][0] |= 1; /* zero in the key */
        if (i < bytes)
            r->seen.b[KEY_SRC_IP + i] |= mask[i];
    }
}

void
acl_ranges_make(struct acl_ranges *r, const struct acl_set *set)
{
    unsigned n = set->prefixes->len;

    *r = (struct acl_ranges){.name = g_strdup(set->name)};
    r->r4 = g_new(struct ip_range, n);
    r->r6 = g_new(struct ip_range, n);
    for (unsigned i = 0; i < n; i++) {
        const struct ip_prefix *p = &g_array_index(set->prefixes, struct ip_prefix, i);
        unsigned bytes = p->ip.family == 4 ? 4 : 16;
        struct ip_range range = range_of(p, bytes);
        note_bytes(r, &range, p, bytes);
        if (bytes == 4)
            r->r4[r->n4++] = range;
        else
            r->r6[r->n6++] = range;
    }
    r->n4 = sort_and_merge(r->r4, r->n4);
    r->n6 = sort_and_merge(r->r6, r->n6);
}

void
acl_ranges_done(struct acl_ranges *r)
{
    g_free(r->name);
    g_free(r->r4);
    g_free(r->r6);
}

bool
acl_ranges_have(const struct acl_ranges *r, const uint8_t ip[16], bool is_ip6)
{
    const struct ip_range *of = is_ip6 ? r->r6 : r->r4;
    unsigned low = 0;
    unsigned high = is_ip6 ? r->n6 : r->n4;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (memcmp(ip, of[middle].last, 16) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    unsigned n = is_ip6 ? r->n6 : r->n4;
    return low < n && memcmp(ip, of[low].first, 16) >= 0;
}
