/* SPDX-License-Identifier: Apache-2.0 */
/* test-nat-kernel.c - when a virtual host leaves its NAT to the kernel, and what it says. */

#include "core/hub/nat/nat_kernel.h"

static const struct nat_kernel_facts good = {
    .may_configure = true, .has_nft = true, .forwards4 = true, .forwards6 = true};

static void
expect(const struct vhost_config *c, const struct nat_kernel_facts *f, bool kernel, const char *why)
{
    char said[NAT_WHY] = "";
    g_assert_cmpint(nat_kernel_decide(c, f, said), ==, kernel);
    if (!strstr(said, why))
        g_error("'%s' is not said, but '%s'", why, said);
}

static void
test_possible(void)
{
    static const enum vhost_nat_mode mode[] = {VHOST_NAT_AUTO, VHOST_NAT_KERNEL};
    for (unsigned i = 0; i < ARRAY_LEN(mode); i++) {
        struct vhost_config c = {.use_nat = true, .nat_mode = mode[i], .use_ip6 = true};
        expect(&c, &good, true, "translates");
        c.nat_mode = VHOST_NAT_USER;
        expect(&c, &good, false, "sockets");
        c.nat_mode = mode[i];
        c.use_nat = false;
        expect(&c, &good, false, "NAT is off");
    }
}

static void
test_each_fact(void)
{
    const struct vhost_config c = {.use_nat = true, .use_ip6 = true};
    struct nat_kernel_facts f = good;
    f.may_configure = false;
    expect(&c, &f, false, "CAP_NET_ADMIN");
    f = good;
    f.forwards4 = false;
    expect(&c, &f, false, "net.ipv4.ip_forward");
    f = good;
    f.forwards6 = false;
    expect(&c, &f, false, "net.ipv6.conf.all.forwarding");
    f = good;
    f.has_nft = false;
    expect(&c, &f, false, "'nft'");
    f = good;
    f.overlaps4 = true;
    expect(&c, &f, false, "IPv4 network has a route on this host");
    (void)g_strlcpy(f.via4, "eth7", sizeof(f.via4));
    expect(&c, &f, false, "by 'eth7'");
    f = good;
    f.overlaps6 = true;
    expect(&c, &f, false, "IPv6 network has a route");
}

static void
test_without_ip6(void)
{
    const struct vhost_config c = {.use_nat = true};
    struct nat_kernel_facts f = good;
    f.forwards6 = false;
    f.overlaps6 = true;
    expect(&c, &f, true, "translates");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nat-kernel/possible", test_possible);
    g_test_add_func("/nat-kernel/each-fact", test_each_fact);
    g_test_add_func("/nat-kernel/without-ip6", test_without_ip6);
    return g_test_run();
}
