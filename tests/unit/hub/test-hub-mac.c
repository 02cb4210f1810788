/* SPDX-License-Identifier: Apache-2.0 */
/* test-hub-mac.c - the addresses of sessions that have none: stable, distinct, given back. */

#include "tests/unit/hub/rig.h"

static struct mac
claim(struct hub *hub, const char *user, const char *device)
{
    struct mac m;
    hub_mac_claim(hub, user, device, &m);
    g_assert_cmpuint(m.b[0], ==, 0x5e);
    return m;
}

static struct hub *
make(struct hubs *hubs, const char *name)
{
    g_autofree char *copy = g_strdup(name);
    struct hub_config config = {.name = copy, .online = true};
    struct hub *hub = hubs_create(hubs, &config, NULL);
    g_assert_nonnull(hub);
    return hub;
}

static void
test_claims(struct rig *r, const void *data)
{
    (void)data;
    struct mac first = claim(r->hub, "alice", "phone");
    struct mac second = claim(r->hub, "alice", "phone");
    struct mac other_device = claim(r->hub, "alice", NULL);
    struct mac other_user = claim(r->hub, "bob", "phone");
    struct mac glued = claim(r->hub, "alicep", "hone");
    g_assert_false(mac_equal(&first, &second));
    g_assert_false(mac_equal(&first, &other_device));
    g_assert_false(mac_equal(&first, &other_user));
    g_assert_false(mac_equal(&first, &glued));

    hub_mac_release(r->hub, &first);
    struct mac again = claim(r->hub, "Alice", "phone"); /* the lowest free one; without case */
    g_assert_true(mac_equal(&first, &again));
    hub_mac_release(r->hub, &again);
    hub_mac_release(r->hub, &second);
    again = claim(r->hub, "alice", "phone");
    g_assert_true(mac_equal(&first, &again));

    struct mac elsewhere = claim(make(r->hubs, "OTHER"), "alice", "phone");
    g_assert_false(mac_equal(&first, &elsewhere));
}

static void
test_many(struct rig *r, const void *data)
{
    (void)data;
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    for (unsigned i = 0; i < 300; i++) {
        struct mac m = claim(r->hub, "alice", "phone");
        int64_t *key = g_new0(int64_t, 1);
        memcpy(key, m.b, sizeof(m.b));
        g_assert_true(g_hash_table_add(seen, key));
    }
}

/* The same secret, the same address; also in another process. */
static void
test_secret(struct rig *r, const void *data)
{
    (void)data;
    uint8_t secret[HUB_SECRET_LEN] = {1, 2, 3};
    struct mac m[3];
    for (unsigned i = 0; i < ARRAY_LEN(m); i++) {
        struct hubs *hubs = hubs_new(r->set);
        if (i < 2)
            hubs_set_secret(hubs, secret);
        m[i] = claim(make(hubs, "OFFICE"), "alice", "phone");
        hubs_free(hubs);
    }
    g_assert_true(mac_equal(&m[0], &m[1]));
    g_assert_false(mac_equal(&m[0], &m[2]));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/hub-mac/claims", struct rig, NULL, rig_set_up, test_claims, rig_tear_down);
    g_test_add("/hub-mac/many", struct rig, NULL, rig_set_up, test_many, rig_tear_down);
    g_test_add("/hub-mac/secret", struct rig, NULL, rig_set_up, test_secret, rig_tear_down);
    return g_test_run();
}
