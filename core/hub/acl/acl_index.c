/* SPDX-License-Identifier: Apache-2.0 */
/* acl_index.c - bit vectors of the rules that a byte of a key leaves, and the walk over them.
 *
 * Only bytes that some rule restricts have a table. For an address, a MAC and the protocol, each
 * byte is compared under a mask of its own, so its table is exact, whatever the mask; a set allows
 * in each byte what any of its ranges allows; of a range of ports the first byte is exact, and the
 * second where the range has one first byte; of a number of a user the last byte is looked at. In
 * each case a rule that matches a key is in the row of each of the key's bytes.
 */

#include "core/hub/acl/acl_priv.h"

/* Values of a byte that a rule allows. False: all of them. */
typedef uint64_t byte_set[4];

static void
allow(byte_set set, unsigned first, unsigned last)
{
    for (unsigned v = first; v <= last; v++)
        set[v / 64] |= 1ull << v % 64;
}

static bool
bytes_of_port(const struct acl_port_range *r, unsigned which, byte_set set)
{
    unsigned first = r->first >> 8;
    unsigned last = r->last >> 8;

    if (r->first == 0 && r->last == UINT16_MAX)
        return false;
    if (which == 0)
        allow(set, first, last);
    else if (first == last)
        allow(set, r->first & 0xff, r->last & 0xff);
    else
        return false;
    return true;
}

static bool
bytes_of_mask(const struct acl_match *m, unsigned at, byte_set set)
{
    unsigned mask = ((const uint8_t *)m->mask)[at];
    unsigned value = ((const uint8_t *)m->value)[at];

    if (mask == 0)
        return false;
    if (mask == 0xff) {
        allow(set, value, value);
        return true;
    }
    for (unsigned v = 0; v < 256; v++)
        if (((v ^ value) & mask) == 0)
            allow(set, v, v);
    return true;
}

static bool
bytes_of_ranges(const struct acl_ranges *r, unsigned byte, byte_set set)
{
    if (!r)
        return false;
    memcpy(set, r->bytes[byte], sizeof(byte_set));
    return (set[0] & set[1] & set[2] & set[3]) != UINT64_MAX;
}

static bool
bytes_of(const struct acl_match *m, unsigned at, byte_set set)
{
    memset(set, 0, sizeof(byte_set));
    if (at == KEY_KIND) {
        set[0] = m->kinds;
        return true;
    }
    if (at >= KEY_SRC_PORT && at < KEY_PROTOCOL)
        return bytes_of_port(at < KEY_DST_PORT ? &m->src_port : &m->dst_port, at % 2, set);
    if (at < KEY_DST_IP && m->src_set)
        return bytes_of_ranges(m->src_set, at, set);
    if (at >= KEY_DST_IP && at < KEY_SRC_MAC && m->dst_set)
        return bytes_of_ranges(m->dst_set, at - KEY_DST_IP, set);
    return bytes_of_mask(m, at, set);
}

/* ---- tables ---- */

static uint64_t *
new_bits(const struct acl *a)
{
    return g_malloc0_n(256 * (size_t)a->words, sizeof(uint64_t));
}

static void
set_bit(const struct acl *a, uint64_t *bits, unsigned value, unsigned rule)
{
    bits[value * (size_t)a->words + rule / 64] |= 1ull << rule % 64;
}

/* Rules without a restriction are in each row. */
static void
add_to_all(const struct acl *a, uint64_t *bits, const uint64_t *every)
{
    for (unsigned v = 0; v < 256; v++)
        for (unsigned w = 0; w < a->words; w++)
            bits[v * (size_t)a->words + w] |= every[w];
}

static void
fill_byte(const struct acl *a, unsigned at, uint64_t *bits)
{
    g_autofree uint64_t *every = g_new0(uint64_t, a->words);

    for (unsigned i = 0; i < a->n; i++) {
        byte_set set;
        if (!bytes_of(&a->match[i], at, set)) {
            every[i / 64] |= 1ull << i % 64;
            continue;
        }
        for (unsigned q = 0; q < 4; q++)
            for (uint64_t left = set[q]; left != 0; left &= left - 1)
                set_bit(a, bits, q * 64 + (unsigned)__builtin_ctzll(left), i);
    }
    add_to_all(a, bits, every);
}

static bool
is_restricted(const struct acl *a, unsigned at)
{
    byte_set set;

    for (unsigned i = 0; i < a->n; i++)
        if (bytes_of(&a->match[i], at, set))
            return true;
    return false;
}

static void
fill_names(const struct acl *a, struct acl_dim *dim, bool receiver)
{
    g_autofree uint64_t *every = g_new0(uint64_t, a->words);

    dim->bits = new_bits(a);
    for (unsigned i = 0; i < a->n; i++) {
        const struct acl_match *m = &a->match[i];
        if (receiver ? m->has_to : m->has_from)
            set_bit(a, dim->bits, (receiver ? m->to : m->from) & 0xff, i);
        else
            every[i / 64] |= 1ull << i % 64;
    }
    add_to_all(a, dim->bits, every);
}

void
acl_index_make(struct acl *a)
{
    unsigned words = (a->n + 63) / 64;

    a->words = (words + ACL_BLOCK - 1) / ACL_BLOCK * ACL_BLOCK;
    for (unsigned at = 0; at <= KEY_KIND; at++) {
        if (!is_restricted(a, at))
            continue;
        struct acl_dim *dim = &a->dim[a->n_dims++];
        *dim = (struct acl_dim){.at = at, .bits = new_bits(a)};
        fill_byte(a, at, dim->bits);
    }
    if (a->sees_from)
        fill_names(a, &a->from_dim, false);
    if (a->sees_to)
        fill_names(a, &a->to_dim, true);
}

void
acl_index_done(struct acl *a)
{
    for (unsigned i = 0; i < a->n_dims; i++)
        g_free(a->dim[i].bits);
    g_free(a->from_dim.bits);
    g_free(a->to_dim.bits);
}

size_t
acl_index_size(const struct acl *a)
{
    unsigned n = a->n_dims + (a->from_dim.bits != NULL) + (a->to_dim.bits != NULL);

    return n * 256 * (size_t)a->words * sizeof(uint64_t);
}

/* ---- the walk ---- */

enum answer { NO, YES, MAYBE };

static bool
is_named(uint32_t id, const struct acl_key *k, unsigned user_at, unsigned group_at)
{
    return id != ACL_NOBODY && (id == key_number(k, user_at) || id == key_number(k, group_at));
}

static bool
has_port(const struct acl_port_range *r, uint16_t port)
{
    return port >= r->first && port <= r->last;
}

/* Everything but the receiver. */
static bool
fits(const struct acl_match *m, const struct acl_key *k)
{
    bool is_ip6 = 1u << k->b[KEY_KIND] & KINDS_IP6;
    uint64_t differs = 0;

    for (unsigned i = 0; i < KEY_MASKED_WORDS; i++)
        differs |= (k->w[i] ^ m->value[i]) & m->mask[i];
    if (differs != 0 || !(m->kinds >> k->b[KEY_KIND] & 1))
        return false;
    if (!has_port(&m->src_port, key_port(k, KEY_SRC_PORT)) ||
        !has_port(&m->dst_port, key_port(k, KEY_DST_PORT)))
        return false;
    if (m->src_set && !acl_ranges_have(m->src_set, k->b + KEY_SRC_IP, is_ip6))
        return false;
    if (m->dst_set && !acl_ranges_have(m->dst_set, k->b + KEY_DST_IP, is_ip6))
        return false;
    return !m->has_from || is_named(m->from, k, KEY_FROM_USER, KEY_FROM_GROUP);
}

static enum answer
ask(const struct acl_match *m, const struct acl_key *k)
{
    if (!fits(m, k))
        return NO;
    if (!m->has_to)
        return YES;
    if (!k->b[KEY_TO_KNOWN])
        return MAYBE;
    return is_named(m->to, k, KEY_TO_USER, KEY_TO_GROUP) ? YES : NO;
}

/* The rows of a key. */
struct rows {
    unsigned n;
    const uint64_t *row[ACL_DIMS_MAX];
    unsigned n_pairs; /* of which one must have the rule */
    const uint64_t *pair[2][2];
};

static void
add_pair(const struct acl *a, const struct acl_dim *dim, const struct acl_key *k, unsigned user_at,
         struct rows *out)
{
    /* The last byte of a number, and that of the group's behind it. */
    out->pair[out->n_pairs][0] = dim->bits + k->b[user_at + 2] * (size_t)a->words;
    out->pair[out->n_pairs++][1] = dim->bits + k->b[user_at + 5] * (size_t)a->words;
}

static void
find_rows(const struct acl *a, const struct acl_key *k, struct rows *out)
{
    out->n = a->n_dims;
    out->n_pairs = 0;
    for (unsigned i = 0; i < a->n_dims; i++)
        out->row[i] = a->dim[i].bits + k->b[a->dim[i].at] * (size_t)a->words;
    if (a->from_dim.bits)
        add_pair(a, &a->from_dim, k, KEY_FROM_USER, out);
    if (a->to_dim.bits && k->b[KEY_TO_KNOWN])
        add_pair(a, &a->to_dim, k, KEY_TO_USER, out);
}

static void
and_block(const struct rows *rows, unsigned word, uint64_t out[ACL_BLOCK])
{
    memcpy(out, rows->row[0] + word, ACL_BLOCK * sizeof(out[0]));
    for (unsigned i = 1; i < rows->n; i++)
        for (unsigned j = 0; j < ACL_BLOCK; j++)
            out[j] &= rows->row[i][word + j];
    for (unsigned i = 0; i < rows->n_pairs; i++)
        for (unsigned j = 0; j < ACL_BLOCK; j++)
            out[j] &= rows->pair[i][0][word + j] | rows->pair[i][1][word + j];
}

uint32_t
acl_walk(const struct acl *a, const struct acl_key *k, bool *undecided)
{
    struct rows rows;

    find_rows(a, k, &rows);
    *undecided = false;
    for (unsigned word = 0; word < a->words; word += ACL_BLOCK) {
        uint64_t left[ACL_BLOCK];
        and_block(&rows, word, left);
        for (unsigned j = 0; j < ACL_BLOCK; j++) {
            for (; left[j] != 0; left[j] &= left[j] - 1) {
                unsigned i = (word + j) * 64 + (unsigned)__builtin_ctzll(left[j]);
                enum answer answer = ask(&a->match[i], k);
                if (answer == NO)
                    continue;
                *undecided = answer == MAYBE;
                return i;
            }
        }
    }
    return ACL_NO_RULE;
}
