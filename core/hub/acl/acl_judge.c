/* SPDX-License-Identifier: Apache-2.0 */
/* acl_judge.c - a verdict for a packet, and the memory of those given before.
 *
 * The memory's hash is NH (of UMAC, RFC 4418), whose keys are secret: two given keys meet with a
 * probability of 2^-32, whoever chose them; a secret multiplication then picks the place. A full
 * place loses its entries in turn.
 */

#include "core/hub/acl/acl_priv.h"
#include "core/net/eth.h"

/* What is remembered: the rule's number and what it says. */
enum { VALUE_NO_RULE = (1 << 30) - 1, VALUE_SHIFT = 30 };

struct place {
    uint32_t tag[ACL_CACHE_WAYS];
    uint32_t serial[ACL_CACHE_WAYS]; /* 0: free */
    uint32_t value[ACL_CACHE_WAYS];
    uint32_t next; /* which entry goes next */
    struct acl_key key[ACL_CACHE_WAYS];
};

struct acl_cache {
    uint32_t nh[KEY_SIZE / 4];
    uint64_t multiplier;
    struct acl_cache_stats stats;
    struct acl_key last; /* a run of one flow's frames is not even hashed */
    uint32_t last_serial, last_value;
    struct place place[ACL_CACHE_SETS];
};

/* ---- the memory ---- */

/* A step of SplitMix64: more secret numbers from a few. */
static uint64_t
stretch(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

struct acl_cache *
acl_cache_new(const uint64_t secret[4])
{
    struct acl_cache *c = g_new0(struct acl_cache, 1);
    uint64_t state[4];

    memcpy(state, secret, sizeof(state));
    for (unsigned i = 0; i < ARRAY_LEN(c->nh); i++)
        c->nh[i] = (uint32_t)(stretch(&state[i % 4]) >> 32);
    c->multiplier = stretch(&state[0]) | 1;
    return c;
}

void
acl_cache_free(struct acl_cache *c)
{
    g_free(c);
}

struct acl_cache_stats
acl_cache_get_stats(const struct acl_cache *c)
{
    return c->stats;
}

static uint64_t
hash(const struct acl_cache *c, const struct acl_key *k)
{
    uint32_t w[KEY_SIZE / 4];
    uint64_t sum = 0;

    memcpy(w, k->b, sizeof(w));
    for (unsigned i = 0; i < ARRAY_LEN(w); i += 2)
        sum += (uint64_t)(uint32_t)(w[i] + c->nh[i]) * (uint32_t)(w[i + 1] + c->nh[i + 1]);
    sum ^= sum >> 32;
    return sum * c->multiplier;
}

static bool
same(const struct acl_key *a, const struct acl_key *b)
{
    uint64_t differs = 0;

    for (unsigned i = 0; i < KEY_WORDS; i++)
        differs |= a->w[i] ^ b->w[i];
    return differs == 0;
}

static uint32_t
find_value(const struct acl *a, const struct acl_key *k)
{
    bool undecided = false;
    uint32_t rule = acl_walk(a, k, &undecided);
    uint32_t say = ACL_PASS;

    if (rule == ACL_NO_RULE)
        return VALUE_NO_RULE | (uint32_t)ACL_PASS << VALUE_SHIFT;
    if (undecided)
        say = ACL_UNDECIDED;
    else if (a->match[rule].discard)
        say = ACL_DISCARD;
    return rule | say << VALUE_SHIFT;
}

static uint32_t
remember(struct acl_cache *c, const struct acl *a, const struct acl_key *k)
{
    uint64_t h = hash(c, k);
    struct place *place = &c->place[h >> 32 & (ACL_CACHE_SETS - 1)];
    uint32_t tag = (uint32_t)(h >> 43);

    for (unsigned i = 0; i < ACL_CACHE_WAYS; i++) {
        if (place->tag[i] != tag || place->serial[i] != a->serial || !same(&place->key[i], k))
            continue;
        c->stats.hits++;
        return place->value[i];
    }
    c->stats.misses++;
    unsigned at = place->next++ % ACL_CACHE_WAYS;
    uint32_t value = find_value(a, k);
    place->tag[at] = tag;
    place->serial[at] = a->serial;
    place->value[at] = value;
    place->key[at] = *k;
    return value;
}

static uint32_t
recall(struct acl_cache *c, const struct acl *a, const struct acl_key *k)
{
    if (c->last_serial == a->serial && same(&c->last, k)) {
        c->stats.hits++;
        return c->last_value;
    }
    uint32_t value = remember(c, a, k);
    c->last = *k;
    c->last_serial = a->serial;
    c->last_value = value;
    return value;
}

/* ---- the verdict ---- */

static bool
does_something(const struct acl_action *action)
{
    return action->delay_ms > 0 || action->loss_percent > 0 || action->redirect_url;
}

struct acl_verdict
acl_judge(const struct acl *a, struct acl_cache *cache, const struct acl_packet *p)
{
    struct acl_key k;

    if (p->flow->type == ETH_TYPE_ARP && !p->on_arp)
        return (struct acl_verdict){.say = ACL_PASS, .rule = ACL_NO_RULE};
    acl_key_make(a, p, &k);
    if (k.b[KEY_KIND] == KIND_HEADLESS)
        return (struct acl_verdict){.say = ACL_DISCARD, .rule = ACL_NO_RULE};
    uint32_t value = cache ? recall(cache, a, &k) : find_value(a, &k);
    uint32_t rule = value & VALUE_NO_RULE;
    struct acl_verdict v = {.say = (enum acl_say)(value >> VALUE_SHIFT), .rule = rule};

    if (rule == VALUE_NO_RULE)
        v.rule = ACL_NO_RULE;
    else if (v.say == ACL_PASS && does_something(&a->action[rule]))
        v.action = &a->action[rule];
    return v;
}
