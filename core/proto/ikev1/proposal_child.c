/* SPDX-License-Identifier: Apache-2.0 */
/* proposal_child.c - what we take and offer in phase 2 (RFC 2407, 4.4.4 and 4.5; RFC 3602, 4106,
 * 4868, 3947, 4304): see proposal.h. */

#include "core/proto/ikev1/keys.h"
#include "core/proto/ikev1/proposal_priv.h"

enum {
    ESP_ID_3DES = 3,
    ESP_ID_AES_CBC = 12,
    ESP_ID_AES_GCM_16 = 20,
    SPI = 4,
    BASIC = 0x8000, /* an attribute of two octets */
    WIDTH_3DES = 192,
    ESN_64 = 1,
};
enum { LIFE_TYPE = 1, LIFE = 2, GROUP = 3, MODE = 4, HASH = 5, KEY_BITS = 6, ESN = 11 };

static const struct {
    uint16_t number;
    enum esp_integrity integrity;
    unsigned weak;
} hashes[] = {
    {1, ESP_MD5_96, IKE1_WEAK_MD5}, {2, ESP_SHA1_96, IKE1_WEAK_SHA1}, {5, ESP_SHA256_128, 0},
    {6, ESP_SHA384_192, 0},         {7, ESP_SHA512_256, 0},
};

/* The cipher, and its key's length: AES-GCM has to say it (RFC 4106, 8.4). */
static bool
cipher_of(const struct ike1_transform *t, struct esp_suite *out)
{
    unsigned bits = ike1_aes_bits(t->a.key_bits);

    switch (t->id) {
    case ESP_ID_AES_GCM_16:
        out->cipher = ESP_AES_GCM_16;
        out->key_bits = t->a.key_bits > 0 ? bits : 0;
        break;
    case ESP_ID_AES_CBC:
        out->cipher = ESP_AES_CBC;
        out->key_bits = bits;
        break;
    case ESP_ID_3DES:
        out->cipher = ESP_3DES_CBC;
        out->key_bits = t->a.key_bits == 0 || t->a.key_bits == WIDTH_3DES ? WIDTH_3DES : 0;
        break;
    default:
        return false;
    }
    return out->key_bits > 0;
}

/* What checks it: the cipher itself, or else a MAC. Without one it is not to be trusted. */
static bool
integrity_of(const struct ike1_transform *t, struct esp_suite *out, unsigned *weak)
{
    if (out->cipher == ESP_AES_GCM_16) {
        out->integrity = ESP_AEAD;
        return t->a.hash == 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
        if (hashes[i].number != t->a.hash)
            continue;
        out->integrity = hashes[i].integrity;
        *weak |= hashes[i].weak;
        return true;
    }
    return false;
}

/* False: no such mode. One that does not say is a tunnel. */
static bool
mode_of(uint16_t mode, bool *tunnel, bool *udp)
{
    *tunnel =
        mode == 0 || mode == IKE1_TUNNEL || mode == IKE1_UDP_TUNNEL || mode == IKE1_DRAFT_TUNNEL;
    *udp = mode >= IKE1_UDP_TUNNEL;
    return *tunnel || mode == IKE1_TRANSPORT || mode == IKE1_UDP_TRANSPORT ||
           mode == IKE1_DRAFT_TRANSPORT;
}

static bool
is_good_spi(struct reader r)
{
    return r.left == SPI && reader_u32(&r) >= ESP_SPI_MIN;
}

bool
ike1_child_suite_of(const struct ike1_transforms *all, const struct ike1_transform *t,
                    struct ike1_child_suite *out, unsigned *weak)
{
    const struct ike1_attributes *a = &t->a;
    struct ike1_child_suite s = {
        .mode = a->mode, .group = a->group, .life_s = a->life_s, .life_kib = a->life_kib};
    bool udp = false;

    *weak = 0;
    if (t->protocol != IKE1_PROTOCOL_ESP || all->proposals[t->proposal] > 1 ||
        !is_good_spi(t->spi) || a->strange || a->esn > ESN_64)
        return false;
    if (!cipher_of(t, &s.esp) || !integrity_of(t, &s.esp, weak) ||
        !mode_of(a->mode, &s.tunnel, &udp))
        return false;
    if (a->group > 0 && ike1_group_size(a->group) == 0)
        return false;
    if (s.esp.cipher == ESP_3DES_CBC)
        *weak |= IKE1_WEAK_3DES;
    s.esp.esn = a->esn == ESN_64;
    *out = s;
    return true;
}

/* Less is better. */
static unsigned
rank_of(const struct esp_suite *s, unsigned weak)
{
    unsigned cipher = s->cipher == ESP_AES_GCM_16 ? 0 : s->cipher == ESP_AES_CBC ? 1 : 2;
    unsigned hash = s->integrity == ESP_MD5_96 ? 2 : s->integrity == ESP_SHA1_96 ? 1 : 0;

    return ike1_weak_count(weak) << 24 | cipher << 16 | (256 - s->key_bits) << 2 | hash;
}

enum ike1_offer
ike1_choose_child(struct reader sa, const struct ike1_child_want *want,
                  struct ike1_child_suite *out, struct ike1_choice *choice)
{
    struct ike1_transforms all;
    const struct ike1_transform *best = NULL;
    unsigned best_rank = 0;

    if (!ike1_transforms_read(sa, &all))
        return IKE1_OFFER_MALFORMED;
    for (unsigned i = 0; i < all.n; i++) {
        struct ike1_child_suite s;
        unsigned weak = 0;
        if (!ike1_child_suite_of(&all, &all.t[i], &s, &weak) || weak & ~want->weak ||
            ike1_group_size(s.group) != want->public_len ||
            (s.mode >= IKE1_UDP_TUNNEL) != want->nat)
            continue;
        unsigned rank = rank_of(&s.esp, weak);
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

/* ---- an offer of ours ---- */

static void
write_basic(struct writer *w, uint16_t type, uint16_t value)
{
    writer_u16(w, BASIC | type);
    writer_u16(w, value);
}

static void
write_life(struct writer *w, uint16_t type, uint64_t value)
{
    if (value == 0)
        return;
    write_basic(w, LIFE_TYPE, type);
    writer_u16(w, LIFE);
    writer_u16(w, sizeof(uint32_t));
    writer_u32(w, value > UINT32_MAX ? UINT32_MAX : (uint32_t)value);
}

void
ike1_write_child_offer(struct writer *w, const struct ike1_child_suite *s, bool nat, uint32_t spi)
{
    static const uint8_t ids[] = {
        [ESP_AES_GCM_16] = ESP_ID_AES_GCM_16,
        [ESP_AES_CBC] = ESP_ID_AES_CBC,
        [ESP_3DES_CBC] = ESP_ID_3DES,
    };
    uint8_t bytes[64];
    struct writer a = writer_of(bytes, sizeof(bytes));
    uint16_t plain = s->tunnel ? IKE1_TUNNEL : IKE1_TRANSPORT;
    uint16_t udp = s->tunnel ? IKE1_UDP_TUNNEL : IKE1_UDP_TRANSPORT;

    write_life(&a, 1, s->life_s);
    write_life(&a, 2, s->life_kib);
    if (s->group > 0)
        write_basic(&a, GROUP, s->group);
    write_basic(&a, MODE, s->mode > 0 ? s->mode : nat ? udp : plain);
    for (size_t i = 0; i < ARRAY_LEN(hashes); i++)
        if (hashes[i].integrity == s->esp.integrity)
            write_basic(&a, HASH, hashes[i].number);
    if (s->esp.cipher != ESP_3DES_CBC)
        write_basic(&a, KEY_BITS, (uint16_t)s->esp.key_bits);
    if (s->esp.esn)
        write_basic(&a, ESN, ESN_64);

    const struct ike1_choice offer = {
        .proposal_number = 1,
        .protocol = IKE1_PROTOCOL_ESP,
        .transform_number = 1,
        .transform_id = ids[s->esp.cipher],
        .attributes = reader_of(bytes, a.len),
    };
    ike1_write_choice(w, &offer, spi);
}
