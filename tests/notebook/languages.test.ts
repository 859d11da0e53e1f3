import { expect, test } from 'vitest';
import { namesReader } from '../../core/src/notebook/languages/index.ts';

const r = namesReader('R')!;
const bash = namesReader('bash')!;
const packages = (source: string) => r(source).imports.map(({ module }) => module);

test.each([
	['library(dplyr)', ['dplyr']],
	['suppressPackageStartupMessages(library("sf"))', ['sf']],
	["require('data.table', quietly = TRUE)", ['data.table']],
	['if (!requireNamespace("jsonlite", quietly = TRUE)) stop()', ['jsonlite']],
	['x <- stats::sd(y); z <- a:::hidden(1)', ['a', 'stats']],
	['`my pkg`::f()', ['my pkg']],
	['library(package = "ggplot2", warn.conflicts = FALSE)', ['ggplot2']],
	['library(name, character.only = TRUE)', []],
	['library("name", character.only = TRUE)', ['name']],
	['requireNamespace(name)', []],
	['library()', []],
	['# library(no)\n"library(no)"; \'no::f\'; r"(library(no) "quoted")"; x$library', []],
	['a <- "it\\"s # no comment"; library(yes) # library(no)', ['yes']],
	['x[1:3]; c(a = 1, b = 2); library(', []],
	['s <- "without an end; library(no)', []],
])('packages that a cell of R names: %s', (source, expected) => {
	expect(packages(source)).toEqual(expected);
});

test('files, scripts and commands that a cell of R names are told as those of Python are', () => {
	const found = r(`
source("helpers/clean.R")
d <- read.csv("LICENSE"); saveRDS(d, file = 'out/d.rds')
system("sort data/a.txt | uniq -c > counts.txt"); system2("gdalinfo", "x.tif")
files <- list.files("data")`);
	expect(found.runs).toEqual(['helpers/clean.R']);
	expect(found.paths).toEqual(
		expect.arrayContaining(['LICENSE', 'counts.txt', 'data/a.txt', 'helpers/clean.R', 'out/d.rds', 'x.tif']),
	);
	expect(found.commands).toEqual(['gdalinfo', 'sort', 'uniq']);
	expect(found.lists).toBe(true);
	expect(r('x <- "https://example.org/a.csv"').paths).toEqual([]);
});

test('what a cell of bash names: commands wherever they stand, files, and the scripts that it sources', () => {
	const found = bash(`
# gdalinfo no.tif
for f in a b; do wc -l "$f.txt"; done
if [ -f x.csv ]; then sort x.csv > y.csv; fi
. ./lib.sh; source "more lib.sh"
echo "$(date) # head" 'tail z' <<END
cat no.txt
END`);
	expect(found.commands).toEqual(['date', 'sort', 'wc']);
	expect(found.runs).toEqual(['./lib.sh', 'more lib.sh']);
	expect(found.paths).toEqual(expect.arrayContaining(['./lib.sh', 'x.csv', 'y.csv']));
});

test('a language that nobody reads yet has no reader', () => {
	expect(namesReader('cobol')).toBeNull();
	expect(namesReader('constructor')).toBeNull();
});
