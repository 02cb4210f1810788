/* SPDX-License-Identifier: Apache-2.0 */
/* proposal_print.c - proposals in words, for the log: see proposal.h. */

#include "core/proto/ikev1/proposal_priv.h"

#include <glib.h>

#include <stdio.h>

enum {
    NAME = 64,
    RESERVE = 48, /* for what would be needed */
};

#define MORE "..."

struct name {
    uint16_t number;
    char text[14];
};
static const struct name ciphers1[] = {{1, "DES"}, {2, "IDEA"},     {3, "BLOWFISH"},
                                       {4, "RC5"}, {5, "3DES"},     {6, "CAST"},
                                       {7, "AES"}, {8, "CAMELLIA"}, {0, "no-cipher"}};
static const struct name hashes1[] = {{1, "MD5"},    {2, "SHA1"},   {3, "TIGER"},  {4, "SHA256"},
                                      {5, "SHA384"}, {6, "SHA512"}, {0, "no-hash"}};
static const struct name groups[] = {{1, "MODP768"},   {2, "MODP1024"},  {5, "MODP1536"},
                                     {14, "MODP2048"}, {15, "MODP3072"}, {16, "MODP4096"},
                                     {17, "MODP6144"}, {18, "MODP8192"}, {19, "ECP256"},
                                     {20, "ECP384"},   {21, "ECP521"},   {0, "no-group"}};
static const struct name auths[] = {
    {2, "DSA"},        {3, "RSA"},       {9, "ECDSA256"},      {10, "ECDSA384"},
    {64221, "HYBRID"}, {65001, "XAUTH"}, {65005, "XAUTH-RSA"},
};
static const struct name ciphers2[] = {
    {2, "DES"},      {3, "3DES"},      {7, "BLOWFISH"},  {11, "NULL"},      {12, "AES"},
    {13, "AES-CTR"}, {14, "AES-CCM8"}, {18, "AES-GCM8"}, {19, "AES-GCM12"}, {20, "AES-GCM"}};
static const struct name hashes2[] = {{1, "MD5"},    {2, "SHA1"},   {5, "SHA256"},
                                      {6, "SHA384"}, {7, "SHA512"}, {9, "XCBC"}};
static const struct name modes[] = {
    {IKE1_TUNNEL, "tunnel"},           {IKE1_TRANSPORT, "transport"},
    {IKE1_UDP_TUNNEL, "UDP-tunnel"},   {IKE1_UDP_TRANSPORT, "UDP-transport"},
    {IKE1_DRAFT_TUNNEL, "UDP-tunnel"}, {IKE1_DRAFT_TRANSPORT, "UDP-transport"}};
static const struct name weaknesses[] = {{IKE1_WEAK_SHA1, "sha1"},
                                         {IKE1_WEAK_MODP1024, "modp1024"},
                                         {IKE1_WEAK_3DES, "3des"},
                                         {IKE1_WEAK_MD5, "md5"}};

/* ---- one suite ---- */

void
ike1_suite_print(const struct ike1_suite *s, char *out, size_t n)
{
    static const char hash[IKE1_N_HASHES][9] = {"MD5", "SHA1", "SHA2-256", "SHA2-384", "SHA2-512"};
    char group[14] = "?";

    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        if (groups[i].number == s->group)
            g_strlcpy(group, groups[i].text, sizeof(group));
    if (s->cipher == IKE1_3DES_CBC)
        snprintf(out, n, "3DES-CBC, %s, %s", hash[s->hash], group);
    else
        snprintf(out, n, "AES-%u-CBC, %s, %s", s->key_bits, hash[s->hash], group);
}

/* ---- what is offered ---- */

static void
write_text(struct writer *w, const char *text)
{
    writer_bytes(w, text, strlen(text));
}

#define TABLE(t) (t), ARRAY_LEN(t)

/* The name of a number, or what it is of and the number. */
static void
write_name(struct writer *w, const struct name *table, size_t n, uint16_t number, const char *of)
{
    char text[NAME];

    for (size_t i = 0; i < n; i++) {
        if (table[i].number == number) {
            write_text(w, table[i].text);
            return;
        }
    }
    snprintf(text, sizeof(text), "%s%u", of, number);
    write_text(w, text);
}

static void
write_bits(struct writer *w, uint16_t bits)
{
    char text[8];

    snprintf(text, sizeof(text), "%u", bits);
    write_text(w, text);
}

/* "AES256-SHA1-MODP2048"; what is not by pre-shared key says so. */
static void
name_phase1(struct writer *w, const struct ike1_attributes *a)
{
    write_name(w, TABLE(ciphers1), a->cipher, "cipher");
    if (a->cipher == 7)
        write_bits(w, a->key_bits > 0 ? a->key_bits : 128);
    write_text(w, "-");
    write_name(w, TABLE(hashes1), a->hash, "hash");
    write_text(w, "-");
    write_name(w, TABLE(groups), a->group, "group");
    if (a->auth == IKE1_PSK)
        return;
    write_text(w, "-");
    write_name(w, TABLE(auths), a->auth, "auth");
}

/* "AES256-SHA1-MODP1024-UDP-transport". */
static void
name_esp(struct writer *w, const struct ike1_transform *t)
{
    const struct ike1_attributes *a = &t->a;

    write_name(w, TABLE(ciphers2), t->id, "cipher");
    if (t->id >= 12)
        write_bits(w, a->key_bits > 0 ? a->key_bits : 128);
    if (a->hash > 0) {
        write_text(w, "-");
        write_name(w, TABLE(hashes2), a->hash, "hash");
    }
    if (a->group > 0) {
        write_text(w, "-");
        write_name(w, TABLE(groups), a->group, "group");
    }
    if (a->mode > 0) {
        write_text(w, "-");
        write_name(w, TABLE(modes), a->mode, "mode");
    }
}

static void
name_of(const struct ike1_transform *t, char out[NAME])
{
    struct writer w = writer_of(out, NAME - 1);

    if (t->protocol == IKE1_PROTOCOL_ISAKMP)
        name_phase1(&w, &t->a);
    else if (t->protocol == IKE1_PROTOCOL_ESP)
        name_esp(&w, t);
    else
        write_name(&w, (const struct name[]){{2, "AH"}, {4, "IPCOMP"}}, 2, t->protocol, "protocol");
    out[w.len] = '\0';
}

/* Whether a list "A, B" has it. */
static bool
has_name(const char *list, const char *name)
{
    size_t len = strlen(name);

    while (*list) {
        size_t item = strcspn(list, ",");
        if (item == len && memcmp(list, name, len) == 0)
            return true;
        list += item;
        list += strspn(list, ", ");
    }
    return false;
}

/* The names of all, each once, as many as there is room for up to cap. */
static void
write_list(struct writer *w, const struct ike1_transforms *all, size_t cap)
{
    char *list = (char *)w->start + w->len;
    char name[NAME];

    *list = '\0';
    for (unsigned i = 0; i < all->n; i++) {
        name_of(&all->t[i], name);
        if (has_name(list, name))
            continue;
        if (i > 0)
            write_text(w, ", ");
        if (w->len + strlen(name) + strlen(MORE) > cap) {
            write_text(w, MORE);
            return;
        }
        write_text(w, name);
        w->start[w->len] = '\0';
    }
    if (all->n == 0)
        write_text(w, "nothing");
}

/* Which weak algorithms a transform would need; all bits: no setting helps it. */
static unsigned
need_of(const struct ike1_transforms *all, const struct ike1_transform *t)
{
    struct ike1_suite s;
    struct ike1_child_suite c;
    unsigned weak = 0;

    if (ike1_suite_of(t, &s, &weak) || ike1_child_suite_of(all, t, &c, &weak))
        return weak;
    return UINT32_MAX;
}

unsigned
ike1_offer_explain(struct reader sa, unsigned weak, char *out, size_t n)
{
    struct ike1_transforms all;
    struct writer w = writer_of(out, n - 1);
    unsigned need = UINT32_MAX;

    out[0] = '\0';
    if (n <= 2 * RESERVE || !ike1_transforms_read(sa, &all))
        return 0;
    write_list(&w, &all, n - RESERVE);
    for (unsigned i = 0; i < all.n; i++) {
        unsigned one = need_of(&all, &all.t[i]);
        one = one == UINT32_MAX ? one : one & ~weak;
        if (ike1_weak_count(one) < ike1_weak_count(need))
            need = one;
    }
    if (need == UINT32_MAX)
        need = 0;
    const char *before = "; would need: ";
    for (size_t i = 0; i < ARRAY_LEN(weaknesses); i++) {
        if (!(need & weaknesses[i].number))
            continue;
        write_text(&w, before);
        write_text(&w, weaknesses[i].text);
        before = ", ";
    }
    out[w.len] = '\0';
    return need;
}
