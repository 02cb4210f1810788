/* SPDX-License-Identifier: Apache-2.0 */
/* test-password.c - verifiers: right, wrong, damaged, made elsewhere; random passwords. */

#include "core/auth/password.h"
#include "core/base/secret.h"

#include <glib.h>

#include <string.h>
#include <time.h>

static void
test_round_trip(void)
{
    g_autofree char *one = password_make_verifier("p\xc3\xa4ssword $ with signs");
    g_autofree char *two = password_make_verifier("p\xc3\xa4ssword $ with signs");
    g_assert_true(g_str_has_prefix(one, "scrypt$ln=14,r=8,p=1$"));
    g_assert_null(strchr(one, ' '));
    g_assert_null(strstr(one, "ssword"));
    g_assert_cmpstr(one, !=, two); /* a salt each */
    g_assert_true(password_verify(one, "p\xc3\xa4ssword $ with signs"));
    g_assert_true(password_verify(two, "p\xc3\xa4ssword $ with signs"));
    g_assert_false(password_verify(one, "p\xc3\xa4ssword $ with sign"));
    g_assert_false(password_verify(one, "P\xc3\xa4ssword $ with signs"));
    g_assert_false(password_verify(one, ""));
}

/* RFC 7914 section 12: scrypt("pleaseletmein", "SodiumChloride", 16384, 8, 1), its first half. */
static void
test_known(void)
{
    static const char verifier[] = "scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$"
                                   "cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI";
    g_assert_true(password_verify(verifier, "pleaseletmein"));
    g_assert_false(password_verify(verifier, "pleaseletmeIn"));
}

#define SALT "U29kaXVtQ2hsb3JpZGU"
#define HASH "cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI"

static void
test_refused(void)
{
    g_autofree char *of_nothing = password_make_verifier("");
    g_assert_false(password_verify(of_nothing, "")); /* never logs in */
    g_assert_false(password_verify(NULL, "password"));

    const char *damaged[] = {
        "",
        "plain",
        "scrypt",
        "scrypt$$$",
        "scrypt$ln=14,r=8,p=1$$",
        "scrypt$ln=14,r=8,p=1$" SALT "$",
        "scrypt$ln=14,r=8,p=1$" SALT "$cCO9yzr9c0hGHAbNgf04",
        "scrypt$ln=14,r=8$" SALT "$" HASH,
        "scrypt$ln=63,r=8,p=1$" SALT "$" HASH,
        "scrypt$ln=14,r=0,p=1$" SALT "$" HASH,
        "scrypt$ln=14,r=8,p=1$U29k!XVtQ2hsb3JpZGU$" HASH,
        "md5$ln=14,r=8,p=1$" SALT "$" HASH,
        "scrypt$ln=14,r=8,p=1$" SALT "$" HASH "$x",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(damaged); i++)
        g_assert_false(password_verify(damaged[i], "pleaseletmein"));
}

static int64_t
cpu_ns(void)
{
    struct timespec t;
    g_assert_cmpint(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), ==, 0);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* No verifier is as much work as one: within a factor of three, since caches are what they are;
 * without the work it would be a factor of thousands. */
static void
test_same_work(void)
{
    g_autofree char *verifier = password_make_verifier("right");
    int64_t took[2] = {G_MAXINT64, G_MAXINT64};
    for (int i = 0; i < 6; i++) {
        int64_t start = cpu_ns();
        g_assert_false(password_verify(i % 2 ? verifier : NULL, "wrong"));
        took[i % 2] = MIN(took[i % 2], cpu_ns() - start);
    }
    g_test_message("without %" G_GINT64_FORMAT " us, with %" G_GINT64_FORMAT " us", took[0] / 1000,
                   took[1] / 1000);
    g_assert_cmpint(took[0], >, took[1] / 3);
    g_assert_cmpint(took[1], >, took[0] / 3);
}

static void
test_random(void)
{
    char *one = password_random(), *two = password_random();
    g_assert_cmpuint(strlen(one), ==, 20);
    g_assert_cmpstr(one, !=, two);
    g_assert_cmpuint(strcspn(one, "ilo01IO"), ==, 20);
    for (const char *p = one; *p != '\0'; p++)
        g_assert_true(g_ascii_isalnum(*p));
    secret_free_str(one);
    secret_free_str(two);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/password/round-trip", test_round_trip);
    g_test_add_func("/password/known", test_known);
    g_test_add_func("/password/refused", test_refused);
    g_test_add_func("/password/same-work", test_same_work);
    g_test_add_func("/password/random", test_random);
    return g_test_run();
}
