/* SPDX-License-Identifier: Apache-2.0 */
/* test-store-securenat.c - options and leases of virtual hosts, fixed addresses of users. */

#include "core/base/error.h"
#include "tests/unit/store/store_fixture.h"

#include <string.h>

static void
make_hub(struct fixture *f, const char *name)
{
    struct store_hub h = {.name = (char *)name, .online = true};
    g_assert_true(store_hub_create(f->s, &h, NULL));
}

static void
test_options(struct fixture *f, gconstpointer data)
{
    bool on = true;
    g_autoptr(GError) error = NULL;

    (void)data;
    make_hub(f, "A");
    make_hub(f, "B");
    g_assert_null(store_securenat_get(f->s, "A", &on));
    g_assert_false(on);
    g_assert_true(store_securenat_set(f->s, "a", true, "{}", NULL));
    g_assert_true(store_securenat_set(f->s, "A", true, "{\"x\":1}", NULL));
    g_assert_true(store_securenat_set(f->s, "B", false, "{}", NULL));
    g_assert_false(store_securenat_set(f->s, "C", true, "{}", &error));
    g_assert_error(error, PE_ERROR, PE_HUB_NOT_FOUND);
    fixture_reopen(f);

    g_autofree char *got = store_securenat_get(f->s, "A", &on);
    g_assert_cmpstr(got, ==, "{\"x\":1}");
    g_assert_true(on);
    g_autoptr(GPtrArray) hubs = store_securenat_hubs(f->s);
    g_assert_cmpuint(hubs->len, ==, 1);
    g_assert_cmpstr(g_ptr_array_index(hubs, 0), ==, "A");
}

static void
test_leases(struct fixture *f, gconstpointer data)
{
    enum { N = 1000 };
    g_autofree struct store_lease *many = g_new0(struct store_lease, N);
    g_autoptr(GBytes) id = g_bytes_new("\1\2\3", 3);
    struct store_lease gone;

    (void)data;
    make_hub(f, "A");
    for (unsigned i = 0; i < N; i++)
        many[i] = (struct store_lease){.ip = ip_from_v4(0x0a000001 + i),
                                       .mac = {{2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}},
                                       .client_id = id,
                                       .hostname = (char *)"host",
                                       .leased_ms = 5,
                                       .expires_ms = 1000 + i};
    g_assert_true(store_leases_put(f->s, "A", many, N, NULL));
    gone = many[7];
    gone.expires_ms = 0;
    g_assert_true(store_leases_put(f->s, "A", &gone, 1, NULL));
    many[8].expires_ms = 77;
    g_assert_true(store_leases_put(f->s, "A", &many[8], 1, NULL));
    fixture_reopen(f);

    g_autoptr(GPtrArray) all = store_leases(f->s, "A");
    g_assert_cmpuint(all->len, ==, N - 1);
    for (guint i = 0; i < all->len; i++) {
        const struct store_lease *l = g_ptr_array_index(all, i);
        uint32_t n = ip_to_v4(&l->ip) - 0x0a000001;
        g_assert_cmpuint(n, !=, 7);
        g_assert_cmpint(l->expires_ms, ==, n == 8 ? 77 : 1000 + n);
        g_assert_cmpmem(l->mac.b, 6, many[n].mac.b, 6);
        g_assert_true(g_bytes_equal(l->client_id, id));
        g_assert_cmpstr(l->hostname, ==, "host");
    }
    g_assert_true(store_hub_delete(f->s, "A", NULL));
    make_hub(f, "A");
    g_autoptr(GPtrArray) none = store_leases(f->s, "A");
    g_assert_cmpuint(none->len, ==, 0);
}

static void
test_fixed_address(struct fixture *f, gconstpointer data)
{
    static const char text[] = "10.0.0.5/24,gateway=10.0.0.1,2001:db8::5/64,dns=10.0.0.1";
    struct store_user u = {.name = (char *)"anna"};
    char out[FIXED_ADDRESS_TEXT];

    (void)data;
    make_hub(f, "A");
    g_assert_null(fixed_address_parse(text, &u.address));
    g_assert_true(store_user_create(f->s, "A", &u, NULL));
    fixture_reopen(f);
    struct store_user *got = store_user_get(f->s, "A", "anna");
    g_assert_cmpstr(fixed_address_print(&got->address, out), ==, text);
    memset(&got->address, 0, sizeof(got->address));
    g_assert_true(store_user_update(f->s, "A", got, NULL));
    store_user_free(got);
    got = store_user_get(f->s, "A", "anna");
    g_assert_cmpstr(fixed_address_print(&got->address, out), ==, "");
    store_user_free(got);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    FIXTURE_ADD("/store/securenat/options", test_options);
    FIXTURE_ADD("/store/securenat/leases", test_leases);
    FIXTURE_ADD("/store/securenat/fixed-address", test_fixed_address);
    return g_test_run();
}
