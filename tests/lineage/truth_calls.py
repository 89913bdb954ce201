"""Truth about calls: one notebook or more for each family of operations. See `truth` for the notation."""

from __future__ import annotations

from tests.lineage.truth import Book, Cell, book, edit, new

TWO_JOINED = "df.k,b > new; right.k,z > new; df.k key> new; right.k key> new"

CALLS: dict[str, Book] = {
    # --- made and read
    "constructor of columns": new("new = pd.DataFrame({'c': df.a, 'd': df.b * 2})", "df.a > new.c; df.b > new.d"),
    "constructor of values": new("new = pd.DataFrame({'c': [1, 2]})", reads=""),
    "series": new("new = pd.Series([1, 2], name='c')", reads=""),
    "records": new("new = pd.DataFrame.from_records([{'c': 1}])", reads=""),
    "a file": book(
        Cell("df.to_csv('truth.csv', index=False)", "df"),
        Cell("new = pd.read_csv('truth.csv')", "", "+new"),
        unseen="df.* > new",
    ),
    # --- chosen
    "one column": new("new = df['a']", "df.a > new"),
    "columns": new("new = df[['a', 'b']]", "df.a,b > new"),
    "mask": new("new = df[df.b > 4]", "df.* > new; df.b filter> new"),
    "mask of two": new("new = df[(df.b > 3) & df.a.notna()]", "df.* > new; df.a,b filter> new"),
    "loc": new("new = df.loc[df.b > 4, ['a', 'k']]", "df.k,a > new; df.b filter> new"),
    "iloc": new("new = df.iloc[:2]", "df.* > new"),
    "query": new("new = df.query('b > 3')", "df.* > new; df.b filter> new"),
    "isin": new("new = df[df.k.isin(right.k)]", "df.* > new; df.k filter> new; right.k filter> new", reads="df right"),
    "chained choice": new("new = df[df.b > 3][['a']].head(2)", "df.a > new; df.b filter> new"),
    "columns by type": new("new = df.select_dtypes('number')", "df.a,b > new"),
    "sample": new("new = df.sample(2, random_state=1)", "df.* > new"),
    # --- assigned
    "new column": edit("df['c'] = df.a / df['b']", "df.* > df; df.a,b > df.c"),
    "over itself": edit("df['b'] = df.b * 2", "df.* > df"),
    "constant": edit("df['c'] = 1", "df.* > df"),
    "constant over a column": edit("df['b'] = 1", "df.k,a > df"),
    "operator in place": edit("df['b'] += df.a.fillna(0)", "df.* > df; df.a > df.b"),
    "assign": new(
        "new = df.assign(c=df.a + df.b, d=lambda it: it.c * it['b'])", "df.* > new; df.a,b > new.c; df.a,b > new.d"
    ),
    "insert": edit("df.insert(0, 'c', df.b * 2)", "df.* > df; df.b > df.c"),
    "by NumPy": edit("df['c'] = np.sqrt(df.b)", "df.* > df; df.b > df.c"),
    "where of NumPy": edit("df['c'] = np.where(df.b > 4, df.a, 0)", "df.* > df", opaque="df"),
    "to numpy": edit("df['c'] = df.b.to_numpy() * 2", "df.* > df", opaque="df"),
    "values": edit("df['c'] = df.b.values", "df.* > df; df.b > df.c"),
    "several columns": edit("df[['c', 'd']] = df[['a', 'b']]", "df.* > df; df.a > df.c; df.b > df.d"),
    "loc set": edit("df.loc[df.b > 4, 'a'] = 9", "df.* > df; df.b filter> df.a"),
    "loc set of a column": edit("df.loc[df.b > 4, 'a'] = df.b", "df.* > df; df.b > df.a; df.b filter> df.a"),
    "iloc set": edit("df.iloc[0, 1] = 9", "df.* > df"),
    "at set": edit("df.at[0, 'b'] = 9", "df.* > df"),
    "column popped": book(
        Cell("new = df.pop('b')", "df", "~df +new", "df.k,a > df; df.b > new"),
    ),
    "column deleted": edit("del df['b']", "df.k,a > df"),
    "a share": edit("df['c'] = df.b / df.b.sum()", "df.* > df; df.b > df.c"),
    # --- computed
    "arithmetic": new("new = df.a * 2 + df.b", "df.a,b > new."),
    "comparison": new("new = df.a > df.b", "df.a,b > new."),
    "a method for an operator": new("new = df.a.add(df.b, fill_value=0)", "df.a,b > new."),
    "fillna by another": new("new = df.a.fillna(df.b)", "df.a,b > new.a"),
    "combine first": new("new = df.a.combine_first(df.b)", "df.a,b > new.a"),
    "text": new("new = df.k.str.upper() + '!'", "df.k > new"),
    "text in columns": new("new = df.k.str.split('x', expand=True)", "df.k > new.0; df.k > new.1"),
    "dates": new("new = pd.to_datetime(df.b, unit='D').dt.day", "df.b > new"),
    "categories": new("new = df.k.astype('category').cat.codes", "df.k > new."),
    "mapping": new("new = df.k.map({'x': 1})", "df.k > new"),
    "mapping by a frame": new(
        "new = df.k.map(right.set_index('k').z)", "df.k > new; right.z > new.k; right.k key> new.k", reads="df right"
    ),
    "apply by row": new("new = df.apply(lambda row: row['b'] * 2, axis=1)", "df.b > new."),
    "apply by column": new("new = df[['a', 'b']].apply('mean')", "df.a,b > new."),
    "eval": new("new = df.eval('c = a + b')", "df.* > new; df.a,b > new.c"),
    "eval in place": edit("df.eval('c = a + b', inplace=True)", "df.* > df; df.a,b > df.c"),
    "cut": new("new = pd.cut(df.b, 2)", "df.b > new"),
    "shift": new("new = df.b.shift(1) - df.b", "df.b > new"),
    "rolling": new("new = df.b.rolling(2).sum()", "df.b > new"),
    "cumulated": new("new = df.b.cumsum()", "df.b > new"),
    "ranks": new("new = df[['a', 'b']].rank()", "df.a,b > new"),
    "clip": new("new = df.b.clip(lower=df.a.fillna(0))", "df.a,b > new.b"),
    "where": new("new = df.a.where(df.b > 4, df.b)", "df.a,b > new.a; df.b filter> new"),
    "opaque function": new("new = df.pipe(lambda d: d[d.b > 4])", opaque="new"),
    # --- filled, dropped, sorted, named
    "dropna": new("new = df.dropna(subset=['a'])", "df.* > new; df.a filter> new"),
    "dropna in place": edit("df.dropna(subset=['a'], inplace=True)", "df.* > df; df.a filter> df"),
    "fillna": new("new = df.fillna({'a': 0})", "df.* > new"),
    "fillna in place": edit("df.fillna(0, inplace=True)", "df.* > df"),
    "ffill": new("new = df.ffill()", "df.* > new"),
    "replace": new("new = df.replace({'b': {5: 50}})", "df.* > new"),
    "drop column": new("new = df.drop(columns='b')", "df.k,a > new"),
    "drop column in place": edit("df.drop(columns='b', inplace=True)", "df.k,a > df"),
    "drop rows": new("new = df.drop(index=[0])", "df.* > new"),
    "duplicates": new("new = df.drop_duplicates('k')", "df.* > new; df.k filter> new"),
    "sorted": new("new = df.sort_values('b')", "df.* > new; df.b order> new"),
    "sorted in place": edit("df.sort_values('b', inplace=True)", "df.* > df; df.b order> df"),
    "largest": new("new = df.nlargest(2, 'b')", "df.* > new; df.b order> new; df.b filter> new"),
    "rename": new("new = df.rename(columns={'a': 'c'})", "df.k,b > new; df.a > new.c"),
    "new labels": edit("df.columns = ['x', 'y', 'w']", "df.k > df.x; df.a > df.y; df.b > df.w"),
    "types": new("new = df.astype({'b': 'float64'})", "df.* > new"),
    "index": book(
        Cell("new = df.set_index('k').reset_index()", "df", "+new", "df.a,b > new; df.k key> new.a; df.k key> new.b"),
        unseen="df.k > new.k",
    ),
    "copy": new("new = df.copy()", "df.* > new"),
    # --- joined
    "merge": new("new = df[['k', 'b']].merge(right, on='k')", TWO_JOINED, reads="df right"),
    "merge left": new("new = pd.merge(df[['k', 'b']], right, how='left')", TWO_JOINED, reads="df right"),
    "merge of other names": new(
        "new = df[['k', 'b']].merge(right.rename(columns={'k': 'q'}), left_on='k', right_on='q')",
        "df.k,b > new; right.z > new; right.k > new.q; df.k key> new; right.k key> new",
        reads="df right",
    ),
    "join": new(
        "new = df.join(right.set_index('k'), on='k')",
        "df.* > new; right.z > new; df.k key> new; right.k key> new.z",
        reads="df right",
    ),
    "concat": new("new = pd.concat([df, right])", "df.* > new; right.k,z > new", reads="df right"),
    "concat by side": new("new = pd.concat([df.b, right.z], axis=1)", "df.b > new; right.z > new", reads="df right"),
    "update": edit(
        "df.update(right.rename(columns={'z': 'b'}))", "df.* > df; right.k > df; right.z > df.b", reads="df right"
    ),
    # --- grouped
    "group mean": new("new = df.groupby('k')['b'].mean()", "df.b > new; df.k key> new"),
    "group of a column": new("new = df.b.groupby(df.k).sum()", "df.b > new; df.k key> new"),
    "aggregations by name": new(
        "new = df.groupby('k').agg(top=('a', 'max'), n=('b', 'size'))", "df.a > new.top; df.b > new.n; df.k key> new"
    ),
    "aggregation flat": new("new = df.groupby('k', as_index=False)['b'].sum()", "df.b > new; df.k key> new"),
    "group transform": edit(
        "df['m'] = df.groupby('k')['b'].transform('mean')", "df.* > df; df.b > df.m; df.k key> df.m"
    ),
    "group shift": edit("df['m'] = df.groupby('k').b.shift()", "df.* > df; df.b > df.m; df.k key> df.m"),
    "group sizes": new("new = df.groupby('k').size()", "df.k key> new"),
    "group function": new("new = df.groupby('k')[['b']].apply(lambda part: part.sum())", "df.b > new; df.k key> new"),
    "group cumulated": new("new = df.groupby('k').b.cumsum()", "df.b > new; df.k key> new"),
    "counts of values": new("new = df.k.value_counts()", "df.k key> new"),
    "sums": new("new = df[['a', 'b']].sum()", "df.a,b > new."),
    # --- reshaped
    "melt": new("new = df.melt(id_vars='k', value_vars=['a', 'b'])", "df.k > new; df.a,b > new.value"),
    "pivot": new(
        "new = df[df.b > 3].drop(index=0).pivot(index='b', columns='k', values='a')",
        "df.a > new.x; df.a > new.y; df.k key> new; df.b key> new; df.b filter> new",
    ),
    "pivot table": new("new = df.pivot_table(index='k', values='b')", "df.b > new; df.k key> new"),
    "stack": new("new = df[['a', 'b']].stack()", "df.a,b > new."),
    "transposed": new("new = df[['b']].head(2).T", "df.b > new.0; df.b > new.1"),
    "dummies": new("new = pd.get_dummies(df.k)", "df.k > new.x; df.k > new.y; df.k > new.z"),
    "crosstab": new("new = pd.crosstab(df.k, df.b > 4)", "df.k key> new; df.b key> new"),
    "explode": new("new = df.assign(b=[[1], [2], [3], [4]]).explode('b')", "df.k,a > new"),
}

MODELS: dict[str, Book] = {
    "scaler": book(
        Cell(
            "from sklearn.preprocessing import StandardScaler\n"
            "scaler = StandardScaler().set_output(transform='pandas')\n"
            "new = scaler.fit_transform(df[['b']])",
            "df",
            "+new",
            "df.b > new",
        )
    ),
    "split": book(
        Cell(
            "from sklearn.model_selection import train_test_split\n"
            "train, test = train_test_split(df, test_size=0.5, random_state=1)",
            "df",
            "+train +test",
            "df.* > train; df.* > test",
        )
    ),
    "fit and predict": book(
        Cell(
            "from sklearn.linear_model import LinearRegression\n"
            "model = LinearRegression().fit(df[['b']], df.a.fillna(0))",
            "df",
            "",
            "df.b > model.X; df.a > model.y",
        ),
        Cell("df['c'] = model.predict(df[['b']])", "df", "~df", "df.* > df; df.b > df.c"),
        unseen="df.a > df.c",
    ),
    "transform": book(
        Cell(
            "from sklearn.preprocessing import MinMaxScaler\nscaler = MinMaxScaler()\nscaler.fit(df[['b']])\n"
            "df['c'] = scaler.transform(df[['b']])[:, 0]",
            "df",
            "~df",
            "df.* > df; df.b > scaler.X",
            opaque="df",
        )
    ),
}
