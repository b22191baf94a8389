// The file has no exports: it leaves ECharts in a global name.
export {};
