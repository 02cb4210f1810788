/* SPDX-License-Identifier: Apache-2.0 */
/* store_fixture.h - an open store in a folder of its own, for each test. */
#pragma once

#include "core/store/store_priv.h"

#include <glib.h>
#include <glib/gstdio.h>

struct fixture {
    char *folder;
    struct store *s;
};

static inline void
fixture_remove(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    (void)g_unlink(path); /* may not be there */
}

static inline void
fixture_remove_folder(const char *folder)
{
    fixture_remove(folder, "polyether.db");
    fixture_remove(folder, "polyether.db-wal");
    fixture_remove(folder, "polyether.key");
    g_assert_cmpint(g_rmdir(folder), ==, 0); /* nothing else was left behind */
}

static inline void
fixture_setup(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    f->folder = g_dir_make_tmp("test-store-XXXXXX", NULL);
    f->s = store_open(f->folder, &error);
    g_assert_no_error(error);
    g_assert_nonnull(f->s);
}

static inline void
fixture_teardown(struct fixture *f, gconstpointer data)
{
    (void)data;
    store_close(f->s);
    fixture_remove_folder(f->folder);
    g_free(f->folder);
}

static inline void
fixture_reopen(struct fixture *f)
{
    g_autoptr(GError) error = NULL;
    store_close(f->s);
    f->s = store_open(f->folder, &error);
    g_assert_no_error(error);
}

#define FIXTURE_ADD(path, test) \
    g_test_add(path, struct fixture, NULL, fixture_setup, test, fixture_teardown)
