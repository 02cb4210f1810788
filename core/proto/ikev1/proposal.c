/* SPDX-License-Identifier: Apache-2.0 */
/* proposal.c - SA payloads (RFC 2408, 3.4 to 3.6), and what we take in phase 1: see proposal.h. */

#include "core/proto/ikev1/proposal_priv.h"

enum {
    DOI_IPSEC = 1,
    SITUATION_IDENTITY = 1,
    GENERIC = 4, /* next payload, reserved, length */
    SECONDS = 1,
    KILOBYTES = 2,
    AES_DEFAULT = 128,
    WIDTH_3DES = 192,
    IKE_3DES = 5,
    IKE_AES = 7,
};

/* ---- attributes ---- */

/* What an attribute's number means. */
enum meaning {
    STRANGE,
    CIPHER,
    HASH,
    AUTH,
    GROUP,
    KEY_BITS,
    MODE,
    ESN,
    LIFE_TYPE,
    LIFE,
    NO_MATTER,
};
static const uint8_t phase1_meaning[] = {
    [1] = CIPHER,     [2] = HASH,  [3] = AUTH,      [4] = GROUP,
    [11] = LIFE_TYPE, [12] = LIFE, [14] = KEY_BITS,
};
/* 10 is about ECN in tunnels. */
static const uint8_t phase2_meaning[] = {
    [1] = LIFE_TYPE, [2] = LIFE,     [3] = GROUP,      [4] = MODE,
    [5] = HASH,      [6] = KEY_BITS, [10] = NO_MATTER, [11] = ESN,
};

static enum meaning
meaning_of(uint8_t protocol, uint16_t type)
{
    if (protocol == IKE1_PROTOCOL_ISAKMP)
        return type < sizeof(phase1_meaning) ? phase1_meaning[type] : STRANGE;
    return type < sizeof(phase2_meaning) ? phase2_meaning[type] : STRANGE;
}

static uint16_t *
field_of(struct ike1_attributes *a, enum meaning m)
{
    switch (m) {
    case CIPHER:
        return &a->cipher;
    case HASH:
        return &a->hash;
    case AUTH:
        return &a->auth;
    case GROUP:
        return &a->group;
    case KEY_BITS:
        return &a->key_bits;
    case MODE:
        return &a->mode;
    case ESN:
        return &a->esn;
    default:
        return NULL;
    }
}

/* False: malformed. A life type is of the duration behind it. */
static bool
read_attributes(struct reader r, uint8_t protocol, struct ike1_attributes *out)
{
    struct isakmp_attribute at;
    uint64_t life_type = 0;
    unsigned seen = 0;

    *out = (struct ike1_attributes){0};
    while (isakmp_attribute_next(&r, &at)) {
        enum meaning m = meaning_of(protocol, at.type);
        uint64_t v = isakmp_attribute_number(&at);
        uint16_t *field = field_of(out, m);
        if (field) {
            out->strange |= seen & 1u << m || v > UINT16_MAX;
            *field = (uint16_t)v;
            seen |= 1u << m;
        } else if (m == LIFE_TYPE) {
            life_type = v;
        } else if (m == LIFE && life_type == SECONDS) {
            out->life_s = v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
        } else if (m == LIFE && life_type == KILOBYTES) {
            out->life_kib = v;
        } else if (m == STRANGE) {
            out->strange = true;
        }
    }
    return reader_ok(&r);
}

/* ---- payloads ---- */

/* The body of a payload of this type, as its generic header fences it; *next is what follows. */
static struct reader
take_payload(struct reader *r, uint8_t type, uint8_t *next)
{
    *next = reader_u8(r);
    (void)reader_u8(r);
    size_t len = reader_u16(r);
    if (len < GENERIC || (*next != ISAKMP_NONE && *next != type))
        reader_fail(r);
    return reader_sub(r, len - GENERIC);
}

/* t has the proposal's part. */
static bool
read_transforms(struct reader r, struct ike1_transform t, struct ike1_transforms *out)
{
    uint8_t next = ISAKMP_TRANSFORM;

    while (next != ISAKMP_NONE) {
        struct reader body = take_payload(&r, ISAKMP_TRANSFORM, &next);
        t.number = reader_u8(&body);
        t.id = reader_u8(&body);
        (void)reader_u16(&body);
        t.bytes = body;
        if (!reader_ok(&body) || !read_attributes(body, t.protocol, &t.a))
            return false;
        if (out->n < IKE1_TRANSFORMS_MAX)
            out->t[out->n++] = t;
    }
    return true;
}

bool
ike1_transforms_read(struct reader sa, struct ike1_transforms *out)
{
    uint8_t next = ISAKMP_PROPOSAL;
    uint32_t doi = reader_u32(&sa);
    uint32_t situation = reader_u32(&sa);

    out->n = 0;
    memset(out->proposals, 0, sizeof(out->proposals));
    if (!reader_ok(&sa) || doi != DOI_IPSEC || situation != SITUATION_IDENTITY)
        return false;
    while (next != ISAKMP_NONE) {
        struct reader body = take_payload(&sa, ISAKMP_PROPOSAL, &next);
        struct ike1_transform t = {0};
        t.proposal = reader_u8(&body);
        t.protocol = reader_u8(&body);
        size_t spi = reader_u8(&body);
        uint8_t transforms = reader_u8(&body);
        t.spi = reader_sub(&body, spi);
        if (!reader_ok(&body))
            return false;
        out->proposals[t.proposal]++;
        if (transforms > 0 && !read_transforms(body, t, out))
            return false;
    }
    return true;
}

/* ---- phase 1 ---- */

static const struct {
    uint16_t number;
    enum ike1_hash hash;
    unsigned weak;
} hashes[] = {
    {1, IKE1_MD5, IKE1_WEAK_MD5}, {2, IKE1_SHA1, IKE1_WEAK_SHA1},
    {4, IKE1_SHA256, 0},          {5, IKE1_SHA384, 0},
    {6, IKE1_SHA512, 0},
};

/* The best first. */
static const uint16_t groups[] = {20, 19, 21, 14, 16, 15, 5, 2};

unsigned
ike1_aes_bits(uint16_t said)
{
    if (said == 0)
        return AES_DEFAULT;
    return said == 128 || said == 192 || said == 256 ? said : 0;
}

unsigned
ike1_weak_count(unsigned weak)
{
    unsigned n = 0;

    for (; weak > 0; weak &= weak - 1)
        n++;
    return n;
}

static unsigned
rank_of_group(uint16_t group)
{
    unsigned i = 0;

    while (i < ARRAY_LEN(groups) && groups[i] != group)
        i++;
    return i;
}

bool
ike1_suite_of(const struct ike1_transform *t, struct ike1_suite *out, unsigned *weak)
{
    const struct ike1_attributes *a = &t->a;
    struct ike1_suite s = {.group = a->group, .life_s = a->life_s};
    size_t h = 0;

    while (h < ARRAY_LEN(hashes) && hashes[h].number != a->hash)
        h++;
    if (t->protocol != IKE1_PROTOCOL_ISAKMP || t->id != IKE1_KEY_IKE || a->strange ||
        h == ARRAY_LEN(hashes) || rank_of_group(a->group) == ARRAY_LEN(groups) ||
        (a->auth != IKE1_PSK && a->auth != IKE1_RSA))
        return false;
    if (a->cipher == IKE_AES && ike1_aes_bits(a->key_bits) > 0) {
        s.cipher = IKE1_AES_CBC;
        s.key_bits = ike1_aes_bits(a->key_bits);
    } else if (a->cipher == IKE_3DES && (a->key_bits == 0 || a->key_bits == WIDTH_3DES)) {
        s.cipher = IKE1_3DES_CBC;
        s.key_bits = WIDTH_3DES;
    } else {
        return false;
    }
    s.auth = a->auth == IKE1_PSK ? IKE1_PSK : IKE1_RSA;
    s.hash = hashes[h].hash;
    *weak = hashes[h].weak;
    if (s.cipher == IKE1_3DES_CBC)
        *weak |= IKE1_WEAK_3DES;
    if (s.group == 2 || s.group == 5)
        *weak |= IKE1_WEAK_MODP1024;
    *out = s;
    return true;
}

/* Less is better. */
static unsigned
rank_of(const struct ike1_suite *s, unsigned weak)
{
    unsigned cipher = s->cipher == IKE1_3DES_CBC ? 3 : (256 - s->key_bits) / 64;
    unsigned hash = s->hash == IKE1_MD5 ? 2 : s->hash == IKE1_SHA1 ? 1 : 0;

    return ike1_weak_count(weak) << 24 | rank_of_group(s->group) << 16 | cipher << 8 | hash;
}

void
ike1_choice_set(struct ike1_choice *c, const struct ike1_transform *t)
{
    *c = (struct ike1_choice){
        .proposal_number = t->proposal,
        .protocol = t->protocol,
        .transform_number = t->number,
        .transform_id = t->id,
        .attributes = t->bytes,
        .spi = t->spi,
    };
    if (t->protocol == IKE1_PROTOCOL_ISAKMP) /* the cookies, if anything */
        c->spi = reader_of(NULL, 0);
}

enum ike1_offer
ike1_choose(struct reader sa, unsigned weak, unsigned auths, uint16_t group, struct ike1_suite *out,
            struct ike1_choice *choice)
{
    struct ike1_transforms all;
    const struct ike1_transform *best = NULL;
    unsigned best_rank = 0;

    if (!ike1_transforms_read(sa, &all))
        return IKE1_OFFER_MALFORMED;
    for (unsigned i = 0; i < all.n; i++) {
        struct ike1_suite s;
        unsigned is_weak = 0;
        if (!ike1_suite_of(&all.t[i], &s, &is_weak) || is_weak & ~weak || !(auths & 1u << s.auth) ||
            (group > 0 && s.group != group))
            continue;
        unsigned rank = rank_of(&s, is_weak);
        if (best && rank >= best_rank)
            continue;
        best = &all.t[i];
        best_rank = rank;
        *out = s;
    }
    if (!best)
        return IKE1_OFFER_NONE;
    ike1_choice_set(choice, best);
    return IKE1_OFFER_TAKEN;
}

/* ---- writing ---- */

void
ike1_write_choice(struct writer *w, const struct ike1_choice *c, uint32_t spi)
{
    size_t spi_len = spi > 0 ? sizeof(spi) : 0;
    size_t transform = GENERIC + 4 + c->attributes.left;

    writer_u32(w, DOI_IPSEC);
    writer_u32(w, SITUATION_IDENTITY);
    writer_u8(w, ISAKMP_NONE);
    writer_u8(w, 0);
    writer_u16(w, (uint16_t)(GENERIC + 4 + spi_len + transform));
    writer_u8(w, c->proposal_number);
    writer_u8(w, c->protocol);
    writer_u8(w, (uint8_t)spi_len);
    writer_u8(w, 1);
    if (spi > 0)
        writer_u32(w, spi);
    writer_u8(w, ISAKMP_NONE);
    writer_u8(w, 0);
    writer_u16(w, (uint16_t)transform);
    writer_u8(w, c->transform_number);
    writer_u8(w, c->transform_id);
    writer_u16(w, 0);
    writer_bytes(w, c->attributes.at, c->attributes.left);
}
