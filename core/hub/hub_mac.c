/* SPDX-License-Identifier: Apache-2.0 */
/* hub_mac.c - Ethernet addresses for sessions that speak IP.
 *
 * A DHCP server remembers a host by its address, so a user gets the same one whenever he comes back
 * with the same device; and nobody who does not know the server's secret can tell beforehand which.
 * It is 5E and five bytes of HMAC-SHA-256(secret, hub, user, device, slot): locally administered,
 * and in none of the ranges that containers and virtual machines like. The slot counts up while an
 * address is taken, be it by the same user or, once in 2^40, by another.
 */

#include "core/base/secret.h"
#include "core/base/writer.h"
#include "core/hub/hub_priv.h"

#include <string.h>

enum { FIRST_BYTE = 0x5e, SHA256_LEN = 32, SLOTS_MAX = 4 * HUB_MAX_PORTS };

static guint
mac_hash(gconstpointer v)
{
    const struct mac *m = v;
    uint32_t low;

    memcpy(&low, m->b + 2, sizeof(low));
    return low;
}

static gboolean
mac_same(gconstpointer a, gconstpointer b)
{
    return mac_equal(a, b);
}

void
hub_macs_init(struct hub_macs *m)
{
    g_mutex_init(&m->lock);
    m->claimed = g_hash_table_new_full(mac_hash, mac_same, g_free, NULL);
}

void
hub_macs_done(struct hub_macs *m)
{
    g_hash_table_unref(m->claimed);
    g_mutex_clear(&m->lock);
    secret_wipe(m->secret, sizeof(m->secret));
}

void
hub_macs_set_secret(struct hub_macs *m, const uint8_t secret[HUB_SECRET_LEN])
{
    memcpy(m->secret, secret, sizeof(m->secret));
}

/* Words are told apart by the NUL behind each. Hub and user are compared without case elsewhere. */
static void
add_word(GHmac *h, const char *word)
{
    g_autofree char *low = g_ascii_strdown(word ? word : "", -1);

    g_hmac_update(h, (const guchar *)low, (gssize)strlen(low) + 1);
}

static struct mac
derive(const struct hub *hub, const char *user, const char *device, uint32_t slot)
{
    GHmac *h = g_hmac_new(G_CHECKSUM_SHA256, hub->macs.secret, sizeof(hub->macs.secret));
    uint8_t number[4];
    uint8_t digest[SHA256_LEN];
    gsize len = sizeof(digest);
    struct writer w = writer_of(number, sizeof(number));
    struct mac mac = {{FIRST_BYTE}};

    writer_u32(&w, slot);
    add_word(h, hub->name);
    add_word(h, user);
    add_word(h, device);
    g_hmac_update(h, number, sizeof(number));
    g_hmac_get_digest(h, digest, &len);
    g_hmac_unref(h);
    memcpy(mac.b + 1, digest, sizeof(mac.b) - 1);
    return mac;
}

void
hub_mac_claim(struct hub *hub, const char *user, const char *device, struct mac *out)
{
    struct hub_macs *m = &hub->macs;
    bool is_new = false;

    /* A hub has no more sessions than ports, so one of so many is free. */
    for (uint32_t slot = 0; !is_new && slot < SLOTS_MAX; slot++) {
        *out = derive(hub, user, device, slot);
        g_mutex_lock(&m->lock);
        is_new = !g_hash_table_contains(m->claimed, out);
        if (is_new)
            (void)g_hash_table_add(m->claimed, g_memdup2(out, sizeof(*out)));
        g_mutex_unlock(&m->lock);
    }
    g_assert(is_new);
}

void
hub_mac_release(struct hub *hub, const struct mac *mac)
{
    g_mutex_lock(&hub->macs.lock);
    (void)g_hash_table_remove(hub->macs.claimed, mac);
    g_mutex_unlock(&hub->macs.lock);
}
